"""A documentation of another tool, imported and published as files: every page is looked at, from the disk."""

from pathlib import Path
from urllib.parse import unquote

import flask_migrate
import pytest

from app import create_app
from core.db import db
from kb import publishing
from kb.importing import import_folder
from tests.browser.site import complaints, open_window
from tests.conftest import make_settings
from tests.kb.test_importing import fill
from tests.kb.test_importing_docs import SPHINX

pytestmark = pytest.mark.browser

DOCS = Path(__file__).parents[3] / "shared/data/ocds-docs"
LOOK = """() => {
  const text = document.querySelector("main").cloneNode(true);
  text.querySelectorAll("pre, code").forEach((code) => code.remove());
  const said = text.textContent;
  const left = said.match(/```|:::|\\{[a-z-]+\\}`|^\\([\\w-]+\\)=|^:[\\w-]+:|^!!! |\\]\\(|jsonpointer/m);
  const dead = [...document.querySelectorAll('a[href^="#"]')].filter((link) => !document.getElementById(decodeURIComponent(link.hash.slice(1)))).map((link) => link.hash);
  const broken = [...document.images].filter((image) => image.complete && !image.naturalWidth).map((image) => image.src);
  const local = [...document.links].filter((link) => link.protocol === "file:").map((link) => link.href);
  return { left: left && left[0], dead, broken, local, ids: [...document.querySelectorAll("[id]")].map((each) => each.id),
    wide: document.documentElement.scrollWidth > innerWidth };
}"""


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    folder = tmp_path_factory.mktemp("published")
    docs = DOCS if DOCS.is_dir() else fill(folder / "docs", SPHINX)
    app = create_app(make_settings(folder / "data"))
    with app.app_context():
        flask_migrate.upgrade()
        import_folder(docs, by=None)
        db.session.commit()
        publishing.publish(folder / "site")
        db.session.remove()
        db.engine.dispose()
    return folder / "site"


def test_every_page_is_laid_out_and_every_link_arrives(chromium, published):
    page, said = open_window(chromium)
    seen = {}
    for path in sorted(published.rglob("*.html")):
        if path.parent != published:
            page.goto(path.as_uri())
            seen[path.as_uri()] = page.evaluate(LOOK)
    for address, found in seen.items():
        assert not found["left"], (address, found["left"])
        assert found["dead"] == [], address
        assert found["broken"] == [], address
        for link in found["local"]:
            target, _sign, anchor = link.partition("#")
            if target in seen and anchor:
                assert unquote(anchor) in seen[target]["ids"], link
            elif "/files/" not in target:
                assert target in seen, (address, link)
    assert len(seen) > 4
    assert said == []


def test_the_copy_is_searched_from_the_disk_and_can_be_read_by_everybody(chromium, published):
    # With the policy of the pages themselves.
    page = chromium.new_context(viewport={"width": 320, "height": 800}).new_page()
    loaded = []
    page.on("request", lambda request: loaded.append(unquote(request.url.removeprefix("file://"))))
    page.goto((published / "en/index.html").as_uri())
    page.wait_for_load_state("networkidle")
    assert not [path for path in loaded if "-w" in path], "what a search needs comes when there is one"
    page.fill("#q", "lots")
    page.locator("#found li p").first.wait_for()
    page.wait_for_load_state("networkidle")
    bytes_ = {path: Path(path).stat().st_size for path in loaded if "/assets/" in path}
    assert sum(bytes_.values()) < 40_000, bytes_
    assert len([path for path in loaded if "-w" in path]) <= 2
    page.fill("#q", "xyzzyq")
    page.get_by_text("Nothing found").wait_for()
    page.fill("#q", "map")
    page.wait_for_function("document.querySelector('#said')?.textContent.startsWith('Nothing') === false")
    page.locator("#found a").first.click()
    page.wait_for_url("**/en/*.html")
    assert not page.evaluate(LOOK)["wide"]
    page.context.close()
    page, _said = open_window(chromium, width=320)
    page.goto((published / "es/index.html").as_uri())
    page.fill("#q", "LICITACION" if DOCS.is_dir() else "lote")
    page.locator("#found li").first.wait_for()
    page.goto((published / "en/index.html").as_uri())
    page.wait_for_load_state("networkidle")
    hidden = [each.rename(each.with_suffix(".away")) for each in (published / "assets").glob("index-en-w*.js")]
    page.fill("#q", "award")
    page.get_by_text("could not be loaded").wait_for()
    for each in hidden:
        each.rename(each.with_suffix(".js"))
    page.fill("#q", "map")
    page.locator("#found li").first.wait_for()
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        for path in (
            "en/index.html",
            "es/index.html",
            "en/guide-map.html" if not DOCS.is_dir() else "en/schema-reference.html",
        ):
            page.goto((published / path).as_uri())
            if "index" in path:
                page.fill("#q", "map")
                page.locator("#found li").first.wait_for()
            assert complaints(page) == [], (theme, path)


def test_without_scripts_the_copy_is_pages_and_links(chromium, published):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((published / "en/index.html").as_uri())
    assert not page.locator(".search").is_visible()
    assert page.locator("main a").count() > 2
    context.close()
