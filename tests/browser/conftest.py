"""One Chromium for all browser tests of a test process."""

import pytest
from playwright.sync_api import sync_playwright

from tests.browser.chromium import FLAGS, find
from tests.browser.site import Site


@pytest.fixture(scope="session")
def chromium():
    """A running Chromium: the system's, or else the one that Playwright installed."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=find() or None, args=list(FLAGS))
        yield running
        running.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The whole site with its demo data, as ``make run`` starts it."""
    running = Site(tmp_path_factory.mktemp("site"))
    yield running
    running.stop()
