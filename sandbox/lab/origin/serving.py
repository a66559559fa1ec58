"""HTTP on one accepted connection, in the version that TLS has settled."""

from sandbox.lab.origin.exchange import Handler, Line
from sandbox.lab.origin.http1 import serve_http1
from sandbox.lab.origin.http2 import Http2Connection


async def serve(line: Line, handler: Handler, *, http2: bool) -> None:
    """Answer every request that comes on a connection, then end it.

    Args:
        line: The connection.
        handler: What answers.
        http2: Whether HTTP/2 is spoken, as TLS has settled.
    """
    try:
        await (Http2Connection(line, handler).serve() if http2 else serve_http1(line, handler))
    except ConnectionError:
        line.writer.transport.abort()
    except BaseException:
        line.writer.transport.abort()
        raise
    finally:
        await line.close()
