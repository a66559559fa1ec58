"""Projects and the resources in them; of those, Droplets and reserved IPv6 addresses exist here."""

from http import HTTPStatus
from typing import Annotated, Final, Literal

from pydantic import Field

from sandbox.clouds.digitalocean.routes import NO_CONTENT, Answer, Body, Call, Table, created, ok
from sandbox.clouds.digitalocean.state import Json, Project, iso
from sandbox.clouds.digitalocean.wire import ASSUMED, NOT_FOUND, Reason

ROUTES = Table()

PURPOSES: Final = frozenset(
    {
        "Just trying out DigitalOcean",
        "Class project / Educational purposes",
        "Website or blog",
        "Web Application",
        "Service or API",
        "Mobile Application",
        "Machine learning / AI / Data processing",
        "IoT",
        "Operational / Developer tooling",
    }
)
"""Any other one is kept as `Other: ...`. Source: API reference, `project.purpose`."""

KINDS: Final = {"droplet": "droplets", "reservedipv6": "reserved_ipv6"}
"""Kinds of resources by their URN, with their path in the API."""

PROJECT_NAME_IN_USE = Reason(
    HTTPStatus.CONFLICT,
    "another project has the name",
    "name is already in use",
    "specification; the status is assumed",
)
EMPTY_PATCH = Reason(
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "nothing to change is named",
    "At least one attribute must be sent.",
)
STAYS_DEFAULT_PROJECT = Reason(
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "`is_default` is false for the default project",
    "is_default can not be unset; make another project the default.",
    ASSUMED,
)
NOT_EMPTY = Reason(
    HTTPStatus.PRECONDITION_FAILED,
    "the project has resources",
    "cannot delete a project with resources. move or remove the resources first",
)
DEFAULT_PROJECT = Reason(
    HTTPStatus.PRECONDITION_FAILED,
    "the project is the default one",
    "cannot delete the default project",
    ASSUMED,
)
INVALID_URN = Reason(
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "a URN is not of the form `do:droplet:1` or `do:reservedipv6:2001:db8::1`",
    "{found} is not a valid resource for a project.",
    ASSUMED,
)

Name = Annotated[str, Field(min_length=1, max_length=175)]
Text = Annotated[str, Field(max_length=255)]
Environment = Literal["Development", "Staging", "Production", ""]
"""Empty, as godo sends one that is not set, is the first."""


class NewProject(Body):
    """A project to create."""

    name: Name
    purpose: Text
    description: Text = ""
    environment: Environment = ""


class WholeProject(Body):
    """What a project shall be."""

    name: Name
    description: Text
    purpose: Text
    environment: Environment
    is_default: bool


class PartOfProject(Body):
    """What of a project shall change."""

    name: Name | None = None
    description: Text | None = None
    purpose: Text | None = None
    environment: Environment | None = None
    is_default: bool | None = None


class Assignment(Body):
    """Resources to put into a project."""

    resources: list[str]


@ROUTES.add("GET /v2/projects", "projects_list", "project:read")
def list_projects(call: Call) -> Answer:
    """Lists the projects."""
    return call.page("projects", list(call.account.projects.values()), view)


@ROUTES.add("POST /v2/projects", "projects_create", "project:create", refuses=[PROJECT_NAME_IN_USE])
def create_project(call: Call) -> Answer:
    """Creates a project, never as the default one."""
    body, now = call.body(NewProject), call.account.clock()
    _check_name(call, body.name, None)
    project = Project(
        id=call.account.new_uuid(),
        name=body.name,
        description=body.description,
        purpose=_purpose(body.purpose),
        environment=body.environment or "Development",
        default=False,
        created=now,
        updated=now,
    )
    call.account.projects[project.id] = project
    return created(project=view(project))


@ROUTES.add("GET /v2/projects/<project_id>", "projects_get", "project:read", refuses=[NOT_FOUND])
def get_project(call: Call) -> Answer:
    """Shows a project; here and below, `default` stands for the default project's id."""
    return ok(project=view(_named(call)))


@ROUTES.add(
    "PUT /v2/projects/<project_id>",
    "projects_update",
    "project:update",
    refuses=[NOT_FOUND, PROJECT_NAME_IN_USE, STAYS_DEFAULT_PROJECT],
)
def update_project(call: Call) -> Answer:
    """Changes all of a project; `is_default` true takes the place of the default one."""
    project, body = _named(call), call.body(WholeProject)
    return _change(call, project, PartOfProject(**body.model_dump()))


@ROUTES.add(
    "PATCH /v2/projects/<project_id>",
    "projects_patch",
    "project:update",
    refuses=[NOT_FOUND, EMPTY_PATCH, PROJECT_NAME_IN_USE, STAYS_DEFAULT_PROJECT],
)
def patch_project(call: Call) -> Answer:
    """Changes what is named, as PUT does."""
    project, body = _named(call), call.body(PartOfProject)
    if not body.model_fields_set:
        raise EMPTY_PATCH.refusal()
    return _change(call, project, body)


@ROUTES.add(
    "DELETE /v2/projects/<project_id>",
    "projects_delete",
    "project:delete",
    refuses=[NOT_FOUND, NOT_EMPTY, DEFAULT_PROJECT],
)
def delete_project(call: Call) -> Answer:
    """Deletes a project that is empty and not the default one."""
    project = _named(call)
    if project.resources:
        raise NOT_EMPTY.refusal()
    if project.default:
        raise DEFAULT_PROJECT.refusal()
    del call.account.projects[project.id]
    return NO_CONTENT


@ROUTES.add(
    "GET /v2/projects/<project_id>/resources",
    "projects_list_resources",
    "project:read",
    refuses=[NOT_FOUND],
)
def list_resources(call: Call) -> Answer:
    """Lists what is in a project; new Droplets and reserved addresses come into the default one."""
    project = _named(call)
    return call.page(
        "resources", list(project.resources), lambda urn: _resource(call, project, urn, "ok")
    )


@ROUTES.add(
    "POST /v2/projects/<project_id>/resources",
    "projects_assign_resources",
    "project:assign_resource",
    more_scopes={
        "droplet:read": "a Droplet is assigned",
        "reserved_ip:read": "a reserved IPv6 is assigned",
    },
    refuses=[NOT_FOUND, INVALID_URN],
)
def assign_resources(call: Call) -> Answer:
    """Moves resources into a project; what does not exist is answered as `not_found`."""
    project, urns = _named(call), call.body(Assignment).resources
    for urn in urns:
        kind = _kind(urn)
        call.need("droplet:read" if kind == "droplet" else "reserved_ip:read")
    return ok(resources=[_assign(call, project, urn) for urn in urns])


def view(project: Project) -> Json:
    """Return a project as the API shows it."""
    return {
        "id": project.id,
        "owner_uuid": "b6fc8fdbf6d9456cace5f3c78dc9851d957381ef",
        "owner_id": 258992,
        "name": project.name,
        "description": project.description,
        "purpose": project.purpose,
        "environment": project.environment,
        "is_default": project.default,
        "created_at": iso(project.created),
        "updated_at": iso(project.updated),
    }


def _named(call: Call) -> Project:
    name = call.path_values["project_id"]
    if name == "default":
        return call.account.default_project()
    project = call.account.projects.get(name)
    if project is None:
        raise NOT_FOUND.refusal()
    return project


def _check_name(call: Call, name: str, mine: Project | None) -> None:
    for project in call.account.projects.values():
        if project.name == name and project is not mine:
            raise PROJECT_NAME_IN_USE.refusal()


def _purpose(text: str) -> str:
    return text if text in PURPOSES or text.startswith("Other: ") else f"Other: {text}"


def _change(call: Call, project: Project, body: PartOfProject) -> Answer:
    if body.name is not None:
        _check_name(call, body.name, project)
    if project.default and body.is_default is False:
        raise STAYS_DEFAULT_PROJECT.refusal()
    if body.name is not None:
        project.name = body.name
    if body.description is not None:
        project.description = body.description
    if body.purpose is not None:
        project.purpose = _purpose(body.purpose)
    if body.environment is not None:
        project.environment = body.environment or "Development"
    if body.is_default:
        for other in call.account.projects.values():
            other.default = other is project
    project.updated = call.account.clock()
    return ok(project=view(project))


def _kind(urn: str) -> str:
    prefix, _, rest = urn.partition(":")
    kind, _, name = rest.partition(":")
    if prefix != "do" or kind not in KINDS or not name:
        raise INVALID_URN.refusal(found=urn)
    return kind


def _assign(call: Call, project: Project, urn: str) -> Json:
    holders = [other for other in call.account.projects.values() if urn in other.resources]
    if not holders:
        return {"urn": urn, "assigned_at": "", "links": {}, "status": "not_found"}
    if holders == [project]:
        return _resource(call, project, urn, "already_assigned")
    call.account.forget(urn)
    project.resources[urn] = call.account.clock()
    return _resource(call, project, urn, "assigned")


def _resource(call: Call, project: Project, urn: str, status: str) -> Json:
    _, kind, name = urn.split(":", 2)
    return {
        "urn": urn,
        "assigned_at": iso(project.resources[urn]),
        "links": {"self": f"{call.request.host_url}v2/{KINDS[kind]}/{name}"},
        "status": status,
    }
