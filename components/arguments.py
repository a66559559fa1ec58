"""The arguments of `DualStackEdge`, plain enough for a program in any language to give them.

Made from components/settings/ by `make docs`; a test compares the two. What the values may be is
checked by the settings' own rules.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict


class OriginArgs(TypedDict):
    """The load balancer in front of the API, and how CloudFront talks to it."""

    load_balancer: NotRequired[str]
    """Name of the load balancer to look up, in the region of the stack. Allowed: a load balancer's
    name: 1 to 32 letters, digits and hyphens."""
    kind: NotRequired[str]
    """Kind of the load balancer to look up; finding another kind is an error. Allowed: one of
    classic, application, network."""
    domain_name: NotRequired[str]
    """DNS name of a load balancer that is not looked up. Allowed: a DNS name."""
    hosted_zone_id: NotRequired[str]
    """The load balancer's canonical hosted zone, which alias records to `domainName` need. Allowed:
    the id of the hosted zone that load balancer's name is in, not of your own zone."""
    protocol: NotRequired[str]
    """What CloudFront speaks to the load balancer; `match-viewer` is what the viewer spoke.
    Allowed: one of https-only, http-only, match-viewer. Default: https-only."""
    http_port: NotRequired[int]
    """Port of the load balancer's HTTP listener. Allowed: 80, 443 or an integer from 1024 to 65535.
    Default: 80."""
    https_port: NotRequired[int]
    """Port of the load balancer's HTTPS listener. Allowed: 80, 443 or an integer from 1024 to
    65535. Default: 443."""
    connect_attempts: NotRequired[int]
    """How often CloudFront tries to connect before it answers 502 or 504. Allowed: an integer from
    1 to 3. Default: 3."""
    connect_timeout_seconds: NotRequired[int]
    """How long each of those attempts may take. Allowed: an integer from 1 to 10. Default: 10."""
    read_timeout_seconds: NotRequired[int]
    """How long CloudFront waits for the API to answer, and between packets of an answer. Less than
    its own 30 would cut off answers that direct gives, so `origin-answers` would find it. The
    default is not CloudFront's 30 but the idle timeout a load balancer has by default, so that a
    slow request that is answered today is not cut off with a 504 on the new path. Allowed: an
    integer from 30 to 120. Default: 60."""
    keepalive_timeout_seconds: NotRequired[int]
    """How long CloudFront keeps an idle connection. Keep it below the load balancer's own timeout,
    or CloudFront sends requests down connections that are being closed. Allowed: an integer from 1
    to 120. Default: 5."""


class TrafficArgs(TypedDict):
    """How DNS answers are shared between the old path and the new one, in percent."""

    direct: int
    """Weight of the old path, straight to the load balancer. Allowed: an integer from 0 to 100."""
    cdn: int
    """Weight of the new path, through CloudFront. Allowed: an integer from 0 to 100."""


class ProxiesArgs(TypedDict):
    """A pool of IPv6 proxies on DigitalOcean, which the old path's AAAA records lead to."""

    regions: Sequence[str]
    """Where the proxies are, best near the load balancer. Their order means nothing, and a change
    leaves the proxies of the other regions as they are. Removing one takes two deployments: the
    first takes its proxies out of DNS, the next deletes them. Allowed: a list of 1 to 12 different
    regions of DigitalOcean."""
    nodes_per_region: NotRequired[int]
    """How many proxies each region has. With only one in all, IPv6 users fall back to `whenAllFail`
    each time it is upgraded. Allowed: an integer from 1 to 3. Default: 1."""
    reserved_ipv6_quota: NotRequired[int]
    """How many reserved addresses the DigitalOcean account may have, which is one for each proxy.
    DigitalOcean allows three until you ask its support for more. Allowed: an integer from 1 to 36.
    Default: 3."""
    size: NotRequired[str]
    """What each droplet is made of. Changing it replaces the droplets, one after the other.
    Allowed: the slug of a droplet size. Default: s-1vcpu-1gb."""
    image: NotRequired[str]
    """What each droplet boots. Changing it replaces the droplets, one after the other. Allowed: one
    of debian-12-x64, debian-13-x64. Default: debian-12-x64."""
    ports: NotRequired[Sequence[int]]
    """TCP ports that are served; each leads to the same port of the load balancer. Add 80 if users
    get a redirect there today. Allowed: a list of one or more different ports. Default: 443."""
    connections: NotRequired[int]
    """How many connections of clients one proxy holds at once. What is over is closed at once. Each
    takes 48 KiB of memory beside the 256 MiB that Debian needs, so the default fits the smallest
    droplet. Allowed: an integer from 1 to 28000. Default: 5000."""
    connections_per_client: NotRequired[int]
    """How many of these connections one client may have. A client is a /64, because anyone with an
    IPv6 address has at least 2^64 of them. The default keeps one client from taking all, and is
    more than an office or the exit of a VPN needs, whose many users share a /64. Allowed: an
    integer from 1 to 28000. Default: a fifth of `connections`."""
    warn_percent: NotRequired[int]
    """Share of `connections` from which on a proxy tells that it is nearly full, to the alarm that
    `alarms` makes for it. The default leaves time to add a proxy. Allowed: an integer from 1 to 99.
    Default: 80."""
    log_retention_days: NotRequired[int]
    """How long a droplet keeps a day of its log, which has the address of each client. The default
    is long enough to look into what happened at a weekend. Allowed: an integer from 1 to 365.
    Default: 7."""
    log_megabytes: NotRequired[int]
    """How much of the disk that log may take; what is oldest goes first. The default is a twentieth
    of the smallest disk, and room for some hundred thousand connections. Allowed: an integer from
    100 to 5000. Default: 500."""
    idle_timeout_seconds: NotRequired[int]
    """How long a connection may carry nothing before the proxy closes it. The least is one second
    more than any kind of load balancer allows by default, so that the proxy cuts nothing short.
    Allowed: an integer from 351 to 86400. Default: 600."""
    proxy_protocol: NotRequired[bool]
    """Whether a PROXY protocol header tells the API each client's address; without it the API sees
    the proxies' own. It has to be understood behind the load balancer by the time it is turned on,
    and an application load balancer cannot. Allowed: true or false. Default: false."""
    ssh_keys: NotRequired[Sequence[str]]
    """SSH keys that open the root account. Without any, DigitalOcean makes a root password up and
    mails it to the account's owner; nothing on the droplet accepts it but the recovery console.
    Changing them replaces the droplets, one after the other. Allowed: a list of SSH keys of the
    DigitalOcean account."""
    ssh_source_ranges: NotRequired[Sequence[str]]
    """Networks that may connect to port 22; closed to all when empty. Needs `sshKeys`. Allowed: a
    list of networks in CIDR notation."""
    health_check_path: NotRequired[str]
    """Path of the API that Route 53 asks for over HTTPS through each proxy, about three times a
    second from all over the world. It has to be answered with a status from 200 to 399. When it is
    not set, Route 53 only connects to each proxy: that finds dead proxies but not a proxy that
    cannot reach the load balancer, because it accepts before it connects. Allowed: a path that
    begins with / and has at most 255 characters."""
    when_all_fail: NotRequired[str]
    """Where IPv6 users go when every proxy is unhealthy. `ipv4`: AAAA is answered empty, as if
    there were no proxies, so that they use the old path's A records. `cdn`: all of them go to
    CloudFront, whatever its weight, even 0; choose it once CloudFront carries users already.
    Allowed: one of ipv4, cdn. Default: ipv4."""
    ready_seconds: NotRequired[int]
    """How long a new droplet is given, from its creation, to serve every port before its address is
    moved to it. The deployment asks over IPv6. A droplet that does not serve by then stops the
    deployment, and the address stays with the old one. 0: the address is moved at once. Allowed: an
    integer from 0 to 1800. Default: 600."""
    when_untestable: NotRequired[str]
    """What a deployment does when the machine it runs on has no IPv6 and so cannot tell whether a
    new droplet serves. `stop`: it stops, and the address stays with the old droplet. `wait`: the
    address is moved after `readySeconds`, though nobody saw the droplet serve. Allowed: one of
    stop, wait. Default: stop."""
    alert_emails: NotRequired[Sequence[str]]
    """E-mail addresses that get an alert when a droplet is short of processor, memory or disk; no
    alerts when empty. Allowed: a list of e-mail addresses."""


class LogsArgs(TypedDict):
    """Standard access logs of the distribution, written to a bucket that exists already."""

    bucket: str
    """Name of the bucket. It needs ACLs enabled: CloudFront grants itself access with one. Allowed:
    the name of an S3 bucket, without .s3.amazonaws.com."""
    prefix: NotRequired[str]
    """What the names of the log files begin with. Allowed: text of at most 256 characters that does
    not begin with /."""
    include_cookies: NotRequired[bool]
    """Whether cookies are logged; they often are credentials. Allowed: true or false. Default:
    false."""


class DistributionArgs(TypedDict):
    """How CloudFront serves the hostnames. That nothing is cached or dropped is not a setting."""

    price_class: NotRequired[str]
    """Which edge locations answer. Fewer cost less and are further from some users. Allowed: one of
    PriceClass_All, PriceClass_200, PriceClass_100. Default: PriceClass_All."""
    http_version: NotRequired[str]
    """Newest HTTP version for viewers. HTTP/3 is off by default: clients remember that a name
    speaks it (Alt-Svc), also after DNS has taken them back to a load balancer that doesn't.
    Allowed: one of http1.1, http2, http3, http2and3. Default: http2."""
    viewer_protocol: NotRequired[str]
    """What viewers may speak. The default follows from what the API can tell apart: where
    CloudFront speaks HTTPS only to the origin, a plain HTTP request would look like HTTPS to the
    API, and the redirect or refusal of today's load balancer would be lost unnoticed. If it serves
    plain HTTP, use `match-viewer` for the origin. `redirect-to-https` turns the POST requests of
    many plain HTTP clients into GET. Allowed: one of allow-all, https-only, redirect-to-https.
    Default: `https-only` where `origin.protocol` is `https-only`, else `allow-all`."""
    tls_policy: NotRequired[str]
    """Oldest TLS version and ciphers for viewers, as CloudFront names its security policies. Choose
    an older one if the load balancer's own policy admits clients this one refuses. Allowed: one of
    TLSv1, TLSv1_2016, TLSv1.1_2016, TLSv1.2_2018, TLSv1.2_2019, TLSv1.2_2021, TLSv1.2_2025,
    TLSv1.3_2025. Default: TLSv1.2_2021."""
    origin_request_policy: NotRequired[str]
    """Managed policy that forwards the whole request; the second adds CloudFront's own headers,
    such as `CloudFront-Viewer-Address` and `CloudFront-Forwarded-Proto`. Allowed: one of AllViewer,
    AllViewerAndCloudFrontHeaders. Default: AllViewer."""
    web_acl_arn: NotRequired[str]
    """Web ACL that inspects requests. Rules made of IPv4 addresses do not match IPv6 viewers.
    Allowed: the ARN of a global WAFv2 web ACL, which lives in us-east-1."""
    logs: NotRequired[LogsArgs]
    """Standard access logs; none when not set. Allowed: an object with bucket."""
    hostnames_quota: NotRequired[int]
    """How many hostnames the account may have on one certificate of ACM, and on one distribution.
    AWS allows 10 and 100 until it is asked for more; ACM goes up to 100. Allowed: an integer from 1
    to 1000. Default: `10`, but `100` with `certificateArn`."""
    retain_on_delete: NotRequired[bool]
    """Whether a distribution that leaves the stack goes on running, for users whose resolvers still
    point at it. Its hostnames stay taken until it is deleted by hand. Allowed: true or false.
    Default: false."""


class OriginLockArgs(TypedDict):
    """What lets the load balancer tell CloudFront's requests from anybody else's."""

    generation: int
    """Number of the secret that CloudFront sends. Two are valid at any time, this one and the next;
    adding 1 makes CloudFront send the next. Add 1 only, and only after the load balancer accepts
    both that the stack's output `originSecrets` shows. Allowed: an integer from 1 to 1000000."""
    security_group: NotRequired[str]
    """Security group of the load balancer that is to admit CloudFront's addresses. Rules are added
    to it; those that admit everybody are yours to remove. No rules are added when not set. Allowed:
    the id of a security group."""
    rules_per_security_group: NotRequired[int]
    """The account's quota of inbound rules in a security group. CloudFront's addresses count as 55
    for each port. Allowed: an integer from 60 to 1000. Default: 60."""


class AlarmsArgs(TypedDict):
    """CloudWatch alarms for both paths, all of them in us-east-1."""

    topic_arn: str
    """Topic that gets a message when an alarm goes off and when it is over. It has to be in
    us-east-1, as the metrics of CloudFront and of Route 53's health checks are. Allowed: the ARN of
    an SNS topic in us-east-1."""
    error_percent: NotRequired[int]
    """Share of CloudFront's answers that are server errors (5xx) which, for five minutes, is too
    much. Allowed: an integer from 1 to 100. Default: 5."""


class KillSwitchArgs(TypedDict):
    """A health check by which cdn can be drained without Route 53's control plane."""

    url: str
    """Address of an object that is not there. Once it is there and begins with `dualstack-edge:
    drain cdn`, health checkers find it within half a minute, and no answer leads to cdn any more,
    whatever its weight; what keeps them from it moves nobody. They ask for it about three times a
    second from all over the world, and without credentials. A bucket should be for this alone, and
    has to be in another region than us-east-1. Allowed: an http or https address with a path, of an
    object at S3 or a server of yours."""


class DnsArgs(TypedDict):
    """Which records the stack declares, and what it changes about the zone itself."""

    records: NotRequired[str]
    """Which records of the hostnames the stack declares. `weighted`: A and AAAA of both paths, with
    the weights of `traffic`. `none`: none of them, while somebody else's records serve: everything
    else is deployed, and can be verified, before `dualstack adopt` takes them over. `simple`: one A
    and one AAAA record, which lead to the path that has everybody, as `dualstack release` leaves
    them; `traffic` has to be 100 and 0, or 0 and 100. The two commands change this setting. Changed
    by hand it is refused where records that serve would be deleted. Allowed: one of weighted, none,
    simple. Default: weighted."""
    negative_ttl_seconds: NotRequired[int]
    """How long resolvers keep the answer that a name has no record of a type. When it is set, the
    zone's SOA record is replaced by one with this TTL; it holds for the whole zone, and stays when
    the stack is gone. Route 53 begins with 900. An old path without proxies answers AAAA with
    nothing, so IPv6 clients stay with that answer for this long, while one that leads to CloudFront
    lives for 60 seconds: they move later than the weights say. Allowed: an integer from 30 to
    86400."""


class ShiftMarginsArgs(TypedDict):
    """How much worse cdn may be before a gate fails, and how sure a pass is."""

    tolerated_percent: NotRequired[int]
    """Errors on cdn in percent of those on direct that are tolerated. Allowed: an integer from 100
    to 1000. Default: 125."""
    gross_percent: NotRequired[int]
    """Errors on cdn in percent of those on direct that are gross: they fail without the second
    opinion which whole caches with shares of errors of their own call for. Allowed: an integer from
    101 to 10000. Default: 300."""
    pass_per_mille: NotRequired[int]
    """A step passes when cdn's share of errors is shown to exceed direct's by less than this, in
    thousandths of the requests. A ratio could never pass an API without errors. Allowed: an integer
    from 1 to 100. Default: 5."""


class ShiftRollbackArgs(TypedDict):
    """Where a failed step leads back to."""

    to: NotRequired[str]
    """`lastGood`: the weight of the last step that passed, 0 after the first. `zero`: 0. Allowed:
    one of lastGood, zero. Default: lastGood."""
    via: NotRequired[int]
    """Weight of cdn that a rollback from above it stops at first, where the old path has to warm
    up. Everybody who stays on cdn until then still meets what is wrong there. None when not set.
    Allowed: an integer from 1 to 99."""


class ShiftHoursArgs(TypedDict):
    """When a step may be taken. A rollback never waits."""

    time_zone: str
    """Time zone of the hours. Allowed: the name of a time zone of IANA's."""
    opens: NotRequired[str]
    """From when on, by the clock there. Allowed: a time of the day as HH:MM. Default: 09:00."""
    closes: NotRequired[str]
    """Until when. No step is taken whose hold would end later. Allowed: a time of the day as HH:MM.
    Default: 17:00."""
    days: NotRequired[Sequence[str]]
    """On which days. Allowed: a list of one or more different days, mon to sun. Default: mon, tue,
    wed, thu, fri."""


class ShiftBoundsArgs(TypedDict):
    """The largest exposure of a step, of all clients and of each family."""

    requests: NotRequired[int]
    """Requests on cdn during a hold. No bound when not set. Allowed: an integer from 1 to
    1000000000000."""
    clients: NotRequired[int]
    """Clients that meet cdn in a step for the first time, in percent of all. With a TTL of 60
    seconds an hour at weight 1 makes it 45. No bound when not set. Allowed: an integer from 1 to
    100."""
    largest_refresh: NotRequired[int]
    """Requests that the largest cache may carry to cdn with one answer, whatever the weight. No
    bound when not set. Allowed: an integer from 1 to 1000000000000."""


class ShiftArgs(TypedDict):
    """How `dualstack shift` leads traffic from the old path to the new one."""

    steps: NotRequired[Sequence[int]]
    """Weights of cdn, one after the other. Allowed: a list of one or more rising integers from 1 to
    100. Default: 1, 5, 10, 25, 50, 100."""
    hold_seconds: NotRequired[Sequence[int]]
    """How long each step is held. Derived when empty: the longest of what a pass takes at this
    rate, five minutes and the TTL of direct's empty AAAA, and a day from weight 25 on. Allowed: a
    list of integers from 60 to 1209600, one for each step."""
    gates: NotRequired[Sequence[str]]
    """What has to pass before the next step. Allowed: a list of different gates: verify, errors,
    latency, share, command. Default: verify, errors, latency, share."""
    approve: NotRequired[Sequence[int]]
    """Steps that wait for a person. Of the default only what is among the steps counts. Allowed: a
    list of steps. Default: 25, 100."""
    require_families: NotRequired[Sequence[str]]
    """Address families that a gate has to have measured. Where the machine that shifts has no IPv6,
    it holds unless this says ipv4 alone. Allowed: a list of ipv4, ipv6 or both. Default: ipv4,
    ipv6."""
    longest_gap_seconds: NotRequired[int]
    """How long nobody may watch during a hold: a laptop that sleeps, a job that does not run. What
    is longer pauses the shift. It counts in the exposure that is foretold. Allowed: an integer from
    60 to 86400. Default: 900."""
    margins: NotRequired[ShiftMarginsArgs]
    """How much worse cdn may be before a gate fails, and how sure a pass is. Allowed: an object."""
    rollback: NotRequired[ShiftRollbackArgs]
    """Where a failed step leads back to. Allowed: an object."""
    hours: NotRequired[ShiftHoursArgs]
    """When a step may be taken; at any time when not set. Allowed: an object with timeZone."""
    bounds: NotRequired[ShiftBoundsArgs]
    """The largest exposure of a step. A schedule that is past it is refused. Allowed: an object."""
    state: NotRequired[str]
    """Where journal and lock are: a folder, or a bucket, which several machines can share. Allowed:
    a folder, or s3:// with a bucket's name and a prefix. Default: .dualstack."""


class DualStackEdgeArgs(TypedDict):
    """What an edge is made of. All of it is plain: nothing waits for another resource."""

    hostnames: Sequence[str]
    """Names the edge answers. The first is the one the certificate is issued to, at most 64
    characters long. Each gets A and AAAA records for both paths. Allowed: a list of at least one
    DNS name in the zone."""
    zone: str
    """Name of the public Route 53 hosted zone that all hostnames are in. Allowed: the name of a
    Route 53 hosted zone."""
    origin: OriginArgs
    """The load balancer the API is behind today. Allowed: an object with loadBalancer and kind."""
    traffic: NotRequired[TrafficArgs]
    """Weights of the two paths, the same for A and AAAA, which add up to 100. Deploying moves no
    user by default. Allowed: an object with direct and cdn."""
    proxy: NotRequired[ProxiesArgs]
    """IPv6 proxies for the old path. Without them its AAAA records are answered empty. Allowed: an
    object with regions."""
    distribution: NotRequired[DistributionArgs]
    """Options of the CloudFront distribution. Allowed: an object."""
    origin_lock: NotRequired[OriginLockArgs]
    """What keeps requests from passing CloudFront by. Refused for as long as the old path has any
    weight, because its users would be locked out. Allowed: an object with generation."""
    alarms: NotRequired[AlarmsArgs]
    """Alarms for both paths; none when not set. Allowed: an object with topicArn."""
    kill_switch: NotRequired[KillSwitchArgs]
    """A health check by which `dualstack shift abort --switch` leads everybody back to the old path
    when Route 53's control plane does not answer; none when not set. Turn it on while `cdn` has no
    weight, and try it before you rely on it. Allowed: an object with url."""
    dns: NotRequired[DnsArgs]
    """Which records the stack declares, and what it changes about the zone itself. Allowed: an
    object."""
    shift: NotRequired[ShiftArgs]
    """How `dualstack shift` leads traffic from the old path to the new one, and what `dualstack
    simulate` foretells. The program ignores it. Every default holds when it is not set. Allowed: an
    object."""
    certificate_arn: NotRequired[str]
    """Certificate to use, covering all hostnames; one is requested and validated when not set.
    Allowed: the ARN of an ACM certificate in us-east-1."""
    protect: NotRequired[bool]
    """Whether the distribution, the traffic records and the proxies' addresses refuse to be deleted
    or replaced. Allowed: true or false. Default: `true`, but `false` in stack `sandbox`."""
    provider_arguments: NotRequired[Mapping[str, Any]]
    """Arguments of the AWS provider for us-east-1, except the region: what the certificate and the
    alarms are made with, because a provider that is passed to the edge has another region. Default:
    what the environment says."""
