"""What people do on the portal, in a real browser: from signing in to a guest who has accepted."""

import re
import uuid
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.end_to_end.conftest import APP, Visit, Visitor
from tests.integration.conftest import OWNER, Tenant, eventually
from tests.integration.test_portal import LINK, ask, prove

pytestmark = pytest.mark.xdist_group("browser")


def an_address() -> str:
    return f"e-{uuid.uuid4().hex[:8]}@fabrikam.com"


def invited(tenant: Tenant, group: str) -> str:
    """A guest who was invited over the API; gives the address."""
    address = an_address()
    tenant.end_of(tenant.invite(address, group=group))
    return address


def test_an_owner_signs_in_and_sees_the_groups_with_the_app_that_each_opens(visitor: Visitor) -> None:
    visitor.open("/portal/")
    expect(visitor.heading("Invite guests to your apps")).to_be_visible()
    visitor.look("the welcome page")

    visitor.sign_in()

    expect(visitor.heading("Groups I own")).to_be_visible()
    mine = visitor.page.get_by_role("listitem").filter(has=visitor.page.get_by_role("link", name=f"{APP} guests"))
    expect(mine).to_contain_text(f"Opens {APP}")
    dynamic = visitor.page.get_by_role("listitem").filter(has_text="Everybody abroad")
    expect(dynamic).to_contain_text("set by a rule")
    expect(dynamic.get_by_role("link")).to_have_count(0)
    visitor.look("the groups")
    visitor.picture("groups")


def test_a_guest_is_invited_in_three_actions_becomes_member_gets_the_mail_and_accepts(
    visitor: Visitor, tenant: Tenant
) -> None:
    visitor.open_group()
    address, page = an_address(), visitor.page

    visitor.press("+ Invite")
    expect(page.get_by_label("Mail addresses")).to_be_focused()
    page.keyboard.type(address)
    page.get_by_text("Message, language, last day").click()
    page.get_by_label("Welcome message").fill("Dear {guest}, good to have you!")
    visitor.press("Preview the mail")
    preview = page.get_by_role("region", name="Preview of the mail")
    expect(preview).to_contain_text(f"Dear {address}, good to have you!")
    visitor.look("the invite drawer")
    visitor.picture("invite")
    visitor.press("Add")

    visitor.closes()
    expect(visitor.row("Invitations", address)).to_contain_text("member, mailed")
    expect(visitor.row("Guests", address)).to_contain_text("not accepted yet")
    [mail] = tenant.mails(address)
    assert f"Dear {address}, good to have you!" in str(mail)
    assert address in tenant.members(visitor.group)
    visitor.look("the group")
    visitor.picture("group")

    user = tenant.caller(OWNER).get(f"/api/groups/{visitor.group}/guests").json()["value"]
    guest = next(g for g in user if g["address"] == address)
    tenant.simulator.post("/_sim/redeem", json={"userId": guest["userId"]}).raise_for_status()
    page.reload()

    expect(visitor.row("Guests", address)).to_contain_text(re.compile(r"[^y]accepted"))


def test_the_quick_way_is_open_type_add(visitor: Visitor) -> None:
    visitor.open_group()
    address = an_address()

    visitor.press("+ Invite")
    expect(visitor.page.get_by_label("Mail addresses")).to_be_focused()
    visitor.page.keyboard.type(address)
    visitor.press("Add")

    expect(visitor.row("Invitations", address)).to_contain_text("member")


def paste(page: Page, text: str) -> None:
    page.evaluate("text => navigator.clipboard.writeText(text)", text)
    page.get_by_label("Mail addresses").focus()
    page.keyboard.press("Control+V")


def test_a_pasted_list_is_looked_at_mended_and_invited(visitor: Visitor, tenant: Tenant) -> None:
    visitor.open_group()
    page, stem = visitor.page, uuid.uuid4().hex[:6]
    good = [f"l{n}-{stem}@fabrikam.com" for n in range(28)]
    lines = [f"Guest {n} <{a}>" for n, a in enumerate(good)]
    lines[5:5] = ["nobody"]
    lines[20:20] = ["someone@nowhere"]

    visitor.press("+ Invite")
    paste(page, "\n".join(lines))

    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("status")).to_contain_text("28 guests. 2 cannot be used")
    expect(dialog.get_by_role("status")).to_contain_text("new: 28")
    expect(dialog.get_by_text("This is no mail address")).to_have_count(2)
    visitor.look("a pasted list")
    visitor.picture("list")
    visitor.press("Add 28 guests")

    expect(dialog.get_by_role("status")).to_contain_text("0 guests. 2 cannot be used")
    mended = an_address()
    page.get_by_label("Address of row 1", exact=True).fill(mended)
    # Before the field is left: a page that asks again in between would put the old text back.
    expect(dialog.get_by_text("This is no mail address")).to_have_count(1)
    page.get_by_role("button", name="Remove: someone@nowhere").click()
    visitor.press("Add")

    visitor.closes()
    eventually(lambda: {*good, mended} <= set(tenant.members(visitor.group)), within_s=90)


def test_a_file_is_looked_at_and_imported(
    visitor: Visitor, tenant: Tenant, guests_file: Callable[[str], Path]
) -> None:
    visitor.open_group()
    page, stem = visitor.page, uuid.uuid4().hex[:6]
    rows = [f"f{n}-{stem}@fabrikam.com,Guest {n}" for n in range(6)]

    visitor.press("+ Invite")
    page.get_by_label("Choose a CSV file").set_input_files(
        guests_file("address,name\n" + "\n".join([*rows, "nobody,N"]))
    )

    expect(page.get_by_role("dialog")).to_contain_text("7 rows. new: 6, cannot be used: 1")
    visitor.look("the preview of a file")
    visitor.press("Import 6 guests")

    expect(visitor.heading("guests.csv")).to_be_visible()
    expect(page.get_by_text("7 of 7 rows")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("button", name="Undo import")).to_be_visible()
    visitor.look("an import")
    visitor.picture("import")
    with page.expect_download() as download:
        visitor.press("Download results")
    results = Path(download.value.path()).read_text(encoding="utf-8-sig")
    assert results.count("member") >= 6
    page.get_by_role("link", name="Imports", exact=True).click()
    expect(visitor.row("Imports", "guests.csv")).to_contain_text("done")
    visitor.look("the imports")
    assert f"f0-{stem}@fabrikam.com" in tenant.members(visitor.group)


def test_somebody_asks_proves_the_address_is_approved_and_becomes_a_member(visit: Visit, tenant: Tenant) -> None:
    outside, inside, address = visit(), visit(), an_address()
    outside.open(f"/request/{outside.group}")
    outside.look("the request form")
    outside.picture("request")
    outside.page.get_by_label("Your mail address").fill("a+b@fabrikam.com")
    outside.press("Send the request")
    expect(outside.page.get_by_role("alert")).to_contain_text("plus addressing")
    outside.look("the request form with a problem")
    outside.page.get_by_label("Your mail address").fill(address)
    outside.page.get_by_label("Why do you ask?").fill("We plan the offsite together")
    outside.press("Send the request")
    expect(outside.heading("Look into your mail")).to_be_visible()
    outside.look("the page after asking")
    link = LINK.search(str(eventually(lambda: tenant.mails(address))[-1]))
    assert link is not None

    outside.open(link[1])
    outside.look("the page of the link")
    outside.press("Confirm my address and send the request")
    expect(outside.page.get_by_role("status")).to_contain_text("An owner decides now")
    outside.look("a request that waits")
    inside.sign_in(path=f"/portal/groups/{inside.group}/requests")
    row = inside.row("Requests", address)
    expect(row).to_contain_text("We plan the offsite together")
    inside.look("the requests")
    inside.picture("requests")
    row.get_by_role("button", name=f"Approve: {address}").click()
    inside.page.get_by_label("Note (optional)").fill("See you there")
    inside.look("the decision")
    inside.press("Approve")

    expect(row).to_have_count(0)
    eventually(lambda: address in tenant.members(inside.group))
    outside.page.reload()
    expect(outside.page.get_by_role("status")).to_contain_text("approved")
    expect(outside.page.get_by_role("link", name=f"Open {APP}")).to_be_visible()


def test_a_request_is_declined_with_a_note(visitor: Visitor, tenant: Tenant) -> None:
    address = an_address()
    with httpx.Client(base_url=visitor.stack.host_url, timeout=60) as anybody:
        prove(anybody, ask(tenant, anybody, visitor.group, address))
    visitor.sign_in(path=f"/portal/groups/{visitor.group}/requests")

    visitor.row("Requests", address).get_by_role("button", name=f"Decline: {address}").click()
    visitor.page.get_by_label("Note (optional)").fill("Please ask your own IT")
    visitor.press("Decline")

    expect(visitor.row("Requests", address)).to_have_count(0)
    assert "Please ask your own IT" in str(eventually(lambda: tenant.mails(address)[1:]))
    visitor.page.get_by_label("Show").select_option("declined")
    expect(visitor.row("Requests", address)).to_contain_text("Olivia Owner: Please ask your own IT")


def test_an_invitation_is_sent_again_renewed_and_the_guest_removed(visitor: Visitor, tenant: Tenant) -> None:
    address = invited(tenant, visitor.group)
    visitor.open_group()
    page = visitor.page

    page.get_by_role("button", name=f"Send again: {address}").click()
    expect(page.get_by_role("status").filter(has_text="sent again")).to_be_visible()
    eventually(lambda: tenant.tickets(address) == 2)

    page.get_by_role("button", name=f"Change last day: {address}").click()
    page.get_by_label("Last day", exact=True).fill("2099-12-31")
    visitor.look("the last day")
    visitor.press("Save")
    expect(visitor.row("Guests", address)).to_contain_text("Dec 31, 2099")

    page.get_by_role("button", name=f"Remove: {address}").click()
    visitor.press("Remove")
    eventually(lambda: address not in tenant.members(visitor.group))
    expect(visitor.row("Guests", address)).to_have_count(0)


def test_an_invitation_is_cancelled(visitor: Visitor, tenant: Tenant) -> None:
    address = invited(tenant, visitor.group)
    visitor.open_group()

    visitor.page.get_by_role("button", name=f"Cancel invitation: {address}").click()
    visitor.press("Cancel invitation")

    expect(visitor.row("Invitations", address)).to_contain_text("taken back")
    eventually(lambda: address not in tenant.members(visitor.group))


def test_templates_are_written_once_and_used_for_an_invitation(visitor: Visitor, tenant: Tenant) -> None:
    visitor.sign_in(path=f"/portal/groups/{visitor.group}/templates")
    page, address = visitor.page, an_address()
    visitor.press("Add a template")
    page.get_by_label("Name of the template").last.fill("Short")
    page.get_by_label("Text", exact=True).last.fill("Hello {nobody}")
    visitor.press("Save")
    expect(page.get_by_text("has the placeholder {nobody}")).to_be_visible()
    page.get_by_label("Text", exact=True).last.fill("Hello {guest}, {app} is yours.")
    visitor.look("the templates")
    visitor.press("Save")
    expect(page.get_by_role("status").filter(has_text="saved")).to_be_visible()

    page.get_by_role("link", name="Guests", exact=True).click()
    visitor.press("+ Invite")
    page.get_by_label("Mail addresses").fill(address)
    page.get_by_text("Message, language, last day").click()
    page.get_by_label("Start from a template").select_option("Short")
    visitor.press("Add")

    expect(visitor.row("Invitations", address)).to_contain_text("member, mailed")
    assert f"Hello {address}, {APP} is yours." in str(tenant.mails(address))


def test_an_outsider_who_opens_a_group_by_its_address_is_refused(visitor: Visitor, tenant: Tenant) -> None:
    address = invited(tenant, visitor.group)

    visitor.sign_in("Emma Employee", path=f"/portal/groups/{visitor.group}")

    expect(visitor.page.get_by_role("alert")).to_be_visible()
    assert address not in visitor.page.content()
    visitor.look("a refusal")
    visitor.page.get_by_role("link", name="Guestlist").click()
    expect(visitor.page.get_by_text("You own no group")).to_be_visible()


def test_a_sign_in_that_ends_in_mid_work_loses_nothing_that_was_typed(visitor: Visitor) -> None:
    visitor.open_group()
    page, address = visitor.page, an_address()
    visitor.press("+ Invite")
    page.get_by_label("Mail addresses").fill(address)

    # The access token has ended and no new one is given: as after a long lunch, or a changed password.
    page.evaluate("""() => {
        for (const key of Object.keys(sessionStorage).filter(k => k.startsWith("oidc.user"))) {
            const user = JSON.parse(sessionStorage.getItem(key));
            sessionStorage.setItem(key, JSON.stringify({...user, access_token: "x.y.z", refresh_token: "gone"}));
        }
    }""")
    visitor.press("Add")
    expect(page.get_by_role("heading", name="Your sign-in has ended")).to_be_visible()
    visitor.look("the end of a sign-in")
    visitor.press("Sign in again")
    page.get_by_role("button", name="Olivia Owner").click()

    expect(page.get_by_label("Mail addresses")).to_have_value(address)
    visitor.press("Add")
    expect(visitor.row("Invitations", address)).to_contain_text("member")


def test_an_access_token_that_has_ended_is_renewed_unnoticed(visitor: Visitor) -> None:
    visitor.open_group()
    visitor.page.evaluate("""() => {
        for (const key of Object.keys(sessionStorage).filter(k => k.startsWith("oidc.user"))) {
            const user = JSON.parse(sessionStorage.getItem(key));
            sessionStorage.setItem(key, JSON.stringify({...user, access_token: "x.y.z", expires_at: 1}));
        }
    }""")

    visitor.page.get_by_role("link", name="Imports", exact=True).click()

    expect(visitor.heading(f"Imports to {APP} guests")).to_be_visible()
    expect(visitor.page.get_by_role("dialog")).to_have_count(0)


def test_an_administrator_sees_apps_setups_and_the_doctor(visitor: Visitor) -> None:
    visitor.sign_in("Adam Admin")
    page = visitor.page
    for link, shown in (("Apps", APP), ("Setups", APP), ("Doctor", "User.Invite.All")):
        page.get_by_role("navigation", name="Guestlist").get_by_role("link", name=link).click()
        expect(visitor.heading(link)).to_be_visible()
        expect(page.get_by_role("table", name=link)).to_contain_text(shown)
        visitor.look(f"the page {link}")
    page.get_by_role("link", name="Setups").click()
    page.get_by_role("link", name=APP).first.click()
    expect(visitor.heading(f"Setup of {APP}")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="Confirmed by Adam Admin").first).to_be_visible()
    visitor.look("a setup")
    visitor.picture("setup")


def test_everything_can_be_done_with_the_keyboard(visitor: Visitor) -> None:
    visitor.open_group()
    page, address = visitor.page, an_address()
    page.keyboard.press("Tab")
    for _ in range(20):
        if page.evaluate("document.activeElement.textContent") == "+ Invite":
            break
        page.keyboard.press("Tab")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid", "the focus is to be seen"
    page.keyboard.press("Enter")
    expect(page.get_by_label("Mail addresses")).to_be_focused()
    page.keyboard.type(address)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="+ Invite")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Mail addresses")).to_have_value(address)
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "Add":
            break
    page.keyboard.press("Enter")

    expect(visitor.row("Invitations", address)).to_contain_text("member")


def test_a_phone_shows_it_all_without_scrolling_sideways(visit: Visit, tenant: Tenant) -> None:
    phone = visit(viewport={"width": 320, "height": 640}, has_touch=True)
    address = invited(tenant, phone.group)

    phone.open_group()

    expect(phone.row("Guests", address)).to_be_visible()
    phone.look("the group on a phone")
    phone.press("+ Invite")
    phone.look("the drawer on a phone")
    phone.picture("phone")
    sizes = phone.page.evaluate(
        "[...document.querySelectorAll('button, a, input, select, summary')].filter(e => e.offsetParent"
        " && !e.closest('.unseen, .skip, .file') && e.type !== 'file').map(e => [e.textContent,"
        " e.getBoundingClientRect().width, e.getBoundingClientRect().height])"
    )
    assert [s for s in sizes if min(s[1:]) < 24] == [], "targets are 24 px or more"


def test_the_reader_chooses_the_language(visit: Visit) -> None:
    german = visit(locale="de-CH")
    german.open("/portal/")
    expect(german.heading("Laden Sie Gäste zu Ihren Apps ein")).to_be_visible()
    assert german.page.evaluate("document.documentElement.lang") == "de"
    german.page.get_by_label("Sprache").select_option("en")
    expect(german.heading("Invite guests to your apps")).to_be_visible()
    german.page.reload()
    expect(german.heading("Invite guests to your apps")).to_be_visible()


@pytest.mark.parametrize("path", ["/invite/{group}", "/api/docs"])
def test_pages_without_script_have_no_barriers(visitor: Visitor, path: str) -> None:
    visitor.open(path.format(group=visitor.group))
    visitor.look(path)
