"""People and organisations, as staff see and change them."""

import re

import pytest

from accounts import organisations, people
from accounts.models import ORGANISATION_KINDS, Organisation, User
from accounts.organisations import KINDS
from core.db import db
from core.exceptions import Refused
from tests.conftest import CAST, member


@pytest.fixture
def number_of(app):
    """The number of one of the cast."""

    def number(key):
        with app.app_context():
            return member(key).id

    return number


def version_in(page):
    return re.search(r'name="version"[^>]*value="(\d+)"', page.text)[1]


def names_in(page):
    return re.findall(r'<a class="quiet-link" href="/admin/people/\d+">([^<]+)</a>', page.text)


def test_the_lists_are_for_staff(browser, browser_of):
    paths = ("/admin/people", "/admin/organisations", "/admin/people/new", "/admin/organisations/new")
    assert {browser.get(path).status_code for path in paths} == {302}
    for key, code in (("paula", 403), ("amara", 403), ("rafael", 403), ("bruno", 200), ("mona", 200), ("chidi", 200)):
        member_browser = browser_of(key)
        assert {member_browser.get(path).status_code for path in paths} == {code}


def test_no_search_breaks_the_list(browser_of):
    browser = browser_of("bruno")
    broken = (
        "q=%00",
        "%00=1",
        "country=%00",
        "q=" + "x" * 5000,
        "after=%00",
        "after=bm8",
        "before=W10",
        "organisation=%00",
    )
    assert {browser.get(f"/admin/people?{query}").status_code for query in broken} <= {200, 400}


SEARCHES = {
    "q=ortiz": ["Paula Ortiz"], "q=PAULA%40compras": ["Paula Ortiz"], "q=mora carla": ["Carla Mora"],
    "q=%25": [], "q=_": [], "q=nobody": [], "role=admin": ["Chidi Okafor"], "role=nonsense": [],
    "country=SN": ["Quentin Diop"], "q=a&country=GH&role=champion": ["Amara Mensah"], "state=disabled": [],
    "order=name&role=analyst": ["Bruno Keller", "Carla Mora"], "role=analyst": ["Carla Mora", "Bruno Keller"],
}  # fmt: skip


def test_people_are_found_by_words_and_filters(browser_of):
    browser = browser_of("bruno")
    pages = {query: browser.get(f"/admin/people?{query}") for query in SEARCHES}
    assert {query: names_in(page) for query, page in pages.items()} == SEARCHES
    assert all(("Nobody fits all of these" in page.text) != bool(SEARCHES[query]) for query, page in pages.items())


def test_people_are_found_by_their_organisation(app, browser_of):
    with app.app_context():
        paula = member("paula")
        people.change(paula, by=paula, organisation=people.organisation_named("Agencia de Compras", "CO"))
        db.session.commit()
        number = paula.organisation_id
    browser = browser_of("bruno")
    assert names_in(browser.get("/admin/people?q=agencia")) == ["Paula Ortiz"]
    assert names_in(browser.get(f"/admin/people?organisation={number}")) == ["Paula Ortiz"]
    for wrong in ("x", "0", "-1", str(2**70)):
        assert len(names_in(browser.get(f"/admin/people?organisation={wrong}"))) == len(CAST)


def test_every_person_is_on_one_page_of_the_list(app, browser_of):
    with app.app_context():
        for number in range(120):
            people.add(email=f"p{number}@x.example", name=f"Same Name {number % 7}")
        db.session.commit()
    browser = browser_of("bruno")
    for order in ("", "name"):
        seen, address = [], f"/admin/people?order={order}"
        while address:
            page = browser.get(address)
            seen += re.findall(r"<small>([^<]+@[^<]+)</small>", page.text)
            found = re.search(r'rel="next" href="([^"]+)"', page.text)
            address = found[1].replace("&amp;", "&") if found else ""
        assert len(seen) == len(set(seen)) == 120 + len(CAST)


@pytest.mark.parametrize(
    "path", ["/admin/people?q=e", "/admin/organisations?q=e", "/admin/people/{paula}", "/profile/security"]
)
def test_pages_ask_the_database_few_questions(app, browser_of, statements, number_of, path):
    with app.app_context():
        for number in range(60):
            home = people.organisation_named(f"Office {number}", "CO")
            people.add(email=f"p{number}@x.example", name=f"Person {number}", organisation=home)
        db.session.commit()
    browser = browser_of("chidi")
    with statements() as seen:
        assert browser.get(path.format(paula=number_of("paula"))).status_code == 200
    assert len(seen) <= 12, seen


def test_a_person_is_added_welcomed_and_comes_in_by_the_link(app, browser, browser_of, links_in, outbox):
    bruno = browser_of("bruno")
    page = bruno.get("/admin/people/new")
    assert 'name="roles"' not in page.text
    data = {"email": "New@Office.example", "name": "New Person", "organisation": "Office", "country": "GH", "language": "fr",
            "time_zone": "", "languages": ["fr"], "welcome": "y", "roles": ["admin"]}  # fmt: skip
    response = bruno.send("/admin/people/new", data)
    assert response.status_code == 303
    assert "New Person" in bruno.get(response.location).text
    (link,) = links_in("new@office.example")
    (mail,) = outbox()
    assert mail["Content-Language"] == "fr"
    assert "Bruno Keller" in mail.get_body(("plain",)).get_content()
    path = link.removeprefix("http://127.0.0.1:8000")
    browser.get(path)
    assert browser.send(path).location == "/tickets"
    with app.app_context():
        assert people.find("new@office.example").roles == {"requester"}


def test_without_a_welcome_no_mail_is_sent(app, browser_of, work, outbox):
    bruno = browser_of("bruno")
    bruno.get("/admin/people/new")
    data = {"email": "new@office.example", "name": "New", "country": "", "language": "", "time_zone": ""}
    assert bruno.send("/admin/people/new", data).status_code == 303
    work()
    assert outbox() == []


def test_somebody_who_is_here_is_not_added_twice(browser_of):
    bruno = browser_of("bruno")
    bruno.get("/admin/people/new")
    data = {"email": CAST["paula"][1].upper(), "name": "Again", "country": "", "language": "", "time_zone": ""}
    response = bruno.send("/admin/people/new", data)
    assert response.status_code == 422
    assert "is here already" in response.text
    assert "Again" in response.text


def test_a_person_needs_an_address(browser_of):
    bruno = browser_of("bruno")
    bruno.get("/admin/people/new")
    for email in ("", "no address", "a@b", "x" * 300 + "@b.example", "a b@c.example"):
        data = {"email": email, "name": "New", "country": "", "language": "", "time_zone": ""}
        assert bruno.send("/admin/people/new", data).status_code == 422, email


def test_an_admin_gives_roles_and_they_work_at_once(app, browser_of, number_of):
    paula, chidi = browser_of("paula"), browser_of("chidi")
    address = f"/admin/people/{number_of('paula')}"
    assert paula.get("/admin/people").status_code == 403
    chidi.get(address)
    assert chidi.send(f"{address}/roles", {"roles": ["requester", "analyst"]}).status_code == 303
    assert paula.get("/admin/people").status_code == 200
    chidi.send(f"{address}/roles", {"roles": []})
    assert paula.get("/admin/people").status_code == 403
    assert chidi.send(f"{address}/roles", {"roles": ["emperor"]}).status_code == 422
    assert "Roles changed" in chidi.get(address).text


def test_nobody_else_gives_roles(app, browser_of, number_of):
    for key in ("paula", "amara", "bruno", "mona"):
        browser = browser_of(key)
        answer = browser.send(f"/admin/people/{number_of(key)}/roles", {"roles": ["admin"]})
        assert answer.status_code == 403
    with app.app_context():
        assert sum(user.is_admin for user in db.session.scalars(db.select(User)).unique()) == 1


def test_an_admin_cannot_stop_being_one_by_themselves(browser_of, number_of):
    chidi = browser_of("chidi")
    address = f"/admin/people/{number_of('chidi')}"
    chidi.get(address)
    answer = chidi.send(f"{address}/roles", {"roles": ["analyst"]})
    assert answer.status_code == 422
    assert "Another admin can" in answer.text
    assert chidi.send(f"{address}/disable").status_code == 403
    assert chidi.get("/admin/people").status_code == 200


# Who may change and shut out whom, and whom not.
RIGHTS = {
    "bruno": (["paula", "amara"], ["carla", "mona", "chidi"]),
    "mona": (["bruno", "paula"], ["chidi"]),
    "chidi": (["mona", "bruno"], []),
}


@pytest.mark.parametrize("who", RIGHTS)
def test_who_may_change_and_shut_out_whom(app, browser_of, number_of, who):
    browser = browser_of(who)
    for whom, code in [*((name, 303) for name in RIGHTS[who][0]), *((name, 403) for name in RIGHTS[who][1])]:
        address = f"/admin/people/{number_of(whom)}"
        assert browser.get(address).status_code == 200
        assert browser.get(f"{address}/edit").status_code == (200 if code == 303 else 403)
        assert browser.send(f"{address}/invite").status_code == code
        assert browser.send(f"{address}/disable").status_code == code
        with app.app_context():
            assert member(whom).is_disabled is (code == 303)
        assert browser.send(f"{address}/enable").status_code == code
        with app.app_context():
            assert member(whom).is_disabled is False


def test_others_do_not_learn_that_a_person_exists(browser, browser_of, number_of):
    paula = browser_of("paula")
    other, nobody = f"/admin/people/{number_of('quentin')}", "/admin/people/999999"
    for address in (other, nobody, f"/admin/people/{2**70}"):
        for path in ("", "/edit"):
            assert paula.get(address + path).status_code == 404
        for path in ("/edit", "/disable", "/enable", "/invite"):
            assert paula.send(address + path).status_code == 404
    assert browser.get(other).status_code == browser.get(nobody).status_code == 404


def test_whoever_is_shut_out_cannot_come_in_until_let_in_again(browser, browser_of, number_of):
    address = f"/admin/people/{number_of('paula')}"
    chidi = browser_of("chidi")
    chidi.send(f"{address}/disable")
    assert "Shut out" in chidi.get(address).text
    assert (
        browser.send("/sign-in", {"email": CAST["paula"][1], "password": "correct horse battery staple"}).status_code
        == 422
    )
    chidi.send(f"{address}/enable")
    browser.get("/sign-in")
    assert (
        browser.send("/sign-in", {"email": CAST["paula"][1], "password": "correct horse battery staple"}).status_code
        == 302
    )


def details(page, **changes):
    return {
        "version": version_in(page),
        "name": "Paula",
        "organisation": "",
        "country": "CO",
        "language": "es",
        "time_zone": "",
        **changes,
    }


def test_staff_change_a_person_and_do_not_overwrite_each_other(app, browser_of, number_of):
    address = f"/admin/people/{number_of('paula')}/edit"
    bruno, carla = browser_of("bruno"), browser_of("carla")
    page_of_bruno, page_of_carla = bruno.get(address), carla.get(address)
    assert bruno.send(address, details(page_of_bruno, name="By Bruno")).status_code == 303
    late = carla.send(address, details(page_of_carla, name="By Carla"))
    assert late.status_code == 409
    assert "By Carla" in late.text
    with app.app_context():
        assert member("paula").name == "By Bruno"
    assert carla.send(address, details(late, name="By Carla")).status_code == 303


def test_only_an_admin_changes_an_address_and_every_sign_in_ends(app, browser_of, number_of):
    address = f"/admin/people/{number_of('paula')}/edit"
    paula, bruno, chidi = browser_of("paula"), browser_of("bruno"), browser_of("chidi")
    page = bruno.get(address)
    assert bruno.send(address, details(page, email="mine@helpdesk.example")).status_code == 303
    with app.app_context():
        assert member("paula").name == "Paula"
    page = chidi.get(address)
    assert chidi.send(address, details(page, email=CAST["quentin"][1])).status_code == 422
    page = chidi.get(address)
    assert chidi.send(address, details(page, email="Paula@Neu.example")).status_code == 303
    assert paula.get("/profile").status_code == 302
    with app.app_context():
        assert people.find("paula@neu.example") is not None


def test_an_organisation_is_added_changed_and_named_once(app, browser_of):
    bruno = browser_of("bruno")
    bruno.get("/admin/organisations/new")
    data = {"name": "Agency", "country": "PY", "kind": "government", "website": "agency.example/about"}
    assert bruno.send("/admin/organisations/new", data).status_code == 303
    again = bruno.send("/admin/organisations/new", {**data, "website": ""})
    assert again.status_code == 422
    assert "already" in again.text
    page = bruno.get("/admin/organisations")
    address = re.search(r'href="(/admin/organisations/\d+/edit)"', page.text)[1]
    assert 'href="https://agency.example/about"' in page.text
    page = bruno.get(address)
    changed = bruno.send(address, {**data, "name": "Agency of the North", "version": version_in(page)})
    assert changed.status_code == 303
    assert "Agency of the North" in bruno.get(changed.location).text
    late = bruno.send(address, {**data, "name": "Late", "version": version_in(page)})
    assert late.status_code == 409
    assert "Late" in late.text
    with app.app_context():
        assert db.session.scalars(db.select(Organisation.name)).all() == ["Agency of the North"]
    assert bruno.get("/admin/organisations/9999/edit").status_code == 404
    assert browser_of("paula").get(address).status_code == 404


def test_a_website_is_a_web_address(context):
    wrong = (
        "javascript:alert(1)",
        "data:text/html,x",
        "https://",
        "http://x y.example",
        "https://[",
        "nothing",
        "ftp://x.example",
    )
    for website in wrong:
        with pytest.raises(Refused):
            organisations.add(name="A", country="", kind="other", website=website, by=member("bruno"))


def test_every_kind_of_organisation_has_a_name():
    assert tuple(KINDS) == ORGANISATION_KINDS


def test_two_who_write_at_once_from_one_address_are_one_person(app, engine_name):
    from threading import Barrier, Thread

    barrier, numbers = Barrier(6), []

    def write():
        with app.app_context():
            barrier.wait()
            numbers.append(people.find_or_add("twice@x.example", name="T").id)
            people.organisation_named("One Office", "GH")
            db.session.commit()
            db.session.remove()

    threads = [Thread(target=write) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(numbers) == 6
    assert len(set(numbers)) == 1


def test_what_a_stranger_writes_changes_nobody(context):
    paula = people.find_or_add(CAST["paula"][1].upper(), name="Somebody else")
    assert paula.name == "Paula Ortiz"
    fresh = people.find_or_add("fresh@x.example")
    assert people.find_or_add("fresh@x.example", name="First Name").name == "First Name"
    people.confirm_address(fresh)
    fresh.name = ""
    assert people.find_or_add("fresh@x.example", name="Other").name == ""
