"""`yingbin province decision`: why a customer would be offered what he is, from a running province."""

import sys
from typing import Annotated

import typer

from province_server.batch.cli import StaffId
from province_server.client import DEFAULT_URL, Url, signed_in
from yingbin.errors import BadConfiguration


def decision(
    customer_id: Annotated[str, typer.Argument(help="an enrolled customer")],
    staff_id: StaffId,
    url: Url = DEFAULT_URL,
    *,
    camera_role: Annotated[str, typer.Option(help="where he stands, such as ticket_machine")] = "entrance",
    branch_id: Annotated[str, typer.Option(help="where the visit would be")] = "",
    business: Annotated[str, typer.Option(help="what his ticket is for, such as loan")] = "",
    waiting: Annotated[int, typer.Option(help="customers in his queue; -1: not known")] = -1,
    minutes: Annotated[int, typer.Option(help="until he is called; -1: not known")] = -1,
    refused: Annotated[list[str] | None, typer.Option(help="a product he declined; again for more")] = None,
) -> None:
    """Print the whole decision of a visit now, naming nobody: a reason for every product that is offered or not.

    `yingbin offers replay` computes it again. The look at the customer's record is in the audit trail.
    """
    import httpx

    params: dict[str, str | int | list[str]] = {
        "camera_role": camera_role, "branch_id": branch_id, "business": business, "waiting": waiting,
        "minutes": minutes, "refused": refused or [],
    }  # fmt: skip
    with signed_in(url, staff_id) as http:
        try:
            reply = http.get(f"/v1/customers/{customer_id}/decision", params=params)
        except httpx.HTTPError as error:
            raise BadConfiguration(f"the province at {url} does not answer: {type(error).__name__}") from error
    if reply.is_error:
        raise BadConfiguration(f"the province refuses: {reply.json().get('detail', reply.status_code)}")
    sys.stdout.write(reply.text + "\n")
