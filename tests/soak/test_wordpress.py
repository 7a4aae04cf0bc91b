"""The plugin in a real WordPress with its database, PHP and a browser: the guide's three steps, and what follows."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.ece_stand_in import EceStandIn
from tests.install_tools import install
from tests.ports import free_port
from tests.release.packages import ROOT
from tests.serving import serving
from tests.waiting import wait_until
from widget import settings
from widget.app import create_app
from widget.services.serving import build

GUIDE = ROOT / "examples" / "wordpress" / "README.md"
PACKAGES = ["wordpress", "wordpress-theme-twentytwentythree", "php-cli", "php-mysql", "mariadb-server"]
SOURCES = Path("/usr/share/wordpress")
PASSWORD = "a password for tests"
BUTTON = ".ece-chat-button"
# Notes each call that WordPress makes to another host, and from which files. WordPress takes no language as an option
# whose own texts are not there.
WATCHER = """<?php
add_filter( 'pre_http_request', function ( $answer, $arguments, $address ) {
    $files = array_column( debug_backtrace( DEBUG_BACKTRACE_IGNORE_ARGS ), 'file' );
    file_put_contents( ABSPATH . 'called', $address . ' ' . implode( ' ', $files ) . "\\n", FILE_APPEND );
    return new WP_Error( 'blocked' );
}, 10, 3 );
add_filter( 'locale', function ( $locale ) { return get_option( 'locale_of_the_test', $locale ); } );
"""
INSTALL = """
define( 'WP_INSTALLING', true );
require 'wp-load.php';
require 'wp-admin/includes/upgrade.php';
wp_install( 'Spokes', 'admin', 'admin@example.com', true, '', 'a password for tests' );
update_option( 'permalink_structure', '/%postname%/' );
flush_rewrite_rules();
"""


@dataclass
class WordPress:
    """A site of its own; `run` takes PHP that runs inside it."""

    folder: Path
    address: str

    def run(self, code: str) -> str:
        done = subprocess.run(["php", "-r", code], cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def post(self, content: str) -> str:
        """Publish a page and return its address."""
        name = f"page-{abs(hash(content))}"
        values = f"'post_type' => 'page', 'post_status' => 'publish', 'post_name' => '{name}', 'post_title' => 'Page'"
        self.run(f"require 'wp-load.php'; wp_insert_post( array( {values}, 'post_content' => '{content}' ) );")
        return f"{self.address}/{name}/"


@contextmanager
def database(folder: Path) -> Iterator[Path]:
    """Run a MariaDB that listens on a socket in its own folder."""
    data, socket = folder / "data", folder / "socket"
    subprocess.run(
        [
            *("mariadb-install-db", "--no-defaults", "--user=root", f"--datadir={data}"),
            "--auth-root-authentication-method=normal",
        ],
        check=True,
        capture_output=True,
    )
    server = subprocess.Popen(
        ["mariadbd", "--no-defaults", "--user=root", f"--datadir={data}", f"--socket={socket}", "--skip-networking"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(socket.exists, "MariaDB listens")
        subprocess.run(
            ["mariadb", f"--socket={socket}", "-e", "CREATE DATABASE wordpress CHARACTER SET utf8mb4"], check=True
        )
        yield socket
    finally:
        server.terminate()
        server.wait(30)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WordPress]:
    there = any(SOURCES.glob("wp-content/themes/*")) and all(shutil.which(name) for name in ("php", "mariadbd"))
    assert there or install(PACKAGES), "the plugin is tried in a real WordPress"
    folder = tmp_path_factory.mktemp("wordpress")
    port = free_port()
    made = WordPress(folder / "site", f"http://localhost:{port}")
    with ExitStack() as stack:
        socket = stack.enter_context(database(folder))
        shutil.copytree(SOURCES, made.folder, symlinks=False, ignore=shutil.ignore_patterns("wp-config.php"))
        (made.folder / "wp-content" / "mu-plugins").mkdir()
        (made.folder / "wp-content" / "mu-plugins" / "watcher.php").write_text(WATCHER)
        (made.folder / "wp-config.php").write_text(
            "<?php\n"
            f"define( 'DB_NAME', 'wordpress' ); define( 'DB_USER', 'root' ); define( 'DB_PASSWORD', '' );\n"
            f"define( 'DB_HOST', 'localhost:{socket}' );\n"
            "define( 'DB_CHARSET', 'utf8mb4' ); define( 'DB_COLLATE', '' );\n"
            f"define( 'WP_HOME', '{made.address}' ); define( 'WP_SITEURL', '{made.address}' );\n"
            "define( 'FS_METHOD', 'direct' ); define( 'WP_DEBUG', true ); define( 'WP_DEBUG_LOG', true );\n"
            "define( 'WP_DEBUG_DISPLAY', false ); define( 'DISABLE_WP_CRON', true );\n"
            "$table_prefix = 'wp_';\nif ( ! defined( 'ABSPATH' ) ) { define( 'ABSPATH', __DIR__ . '/' ); }\n"
            "require_once ABSPATH . 'wp-settings.php';\n"
        )
        made.run(INSTALL)
        server = stack.enter_context(
            subprocess.Popen(
                ["php", "-S", f"localhost:{port}", "-t", str(made.folder)],
                cwd=made.folder,
                env={**os.environ, "PHP_CLI_SERVER_WORKERS": "4"},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        )
        stack.callback(os.killpg, server.pid, 15)
        wait_until(lambda: _answers(made.address), "WordPress answers")
        yield made


def _answers(address: str) -> bool:
    try:
        return httpx.get(address, timeout=30).status_code == 200
    except httpx.HTTPError:
        return False


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The product, with two entry points that are open."""
    chat = {"chat_url": "https://ece.example.com/?e={id}"}
    parsed = settings.parse(
        {
            "server": {"public_url": "https://chat.example.com"},
            "security": {"secret_keys": ["a-secret-for-tests-that-is-long-enough"]},
            "ece": {"base_url": "https://ece.example.com/system"},
            "entry_points": {"sales": {"id": 1001, **chat}, "support": {"id": 1002, **chat}},
            "storage": {"url": f"sqlite:///{tmp_path_factory.mktemp('product')}/outbox.db"},
        }
    )
    with serving(create_app(parsed, services=build(parsed, ece=EceStandIn()))) as origin:
        yield origin


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def administrator(site: WordPress, browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{site.address}/wp-login.php")
    page.get_by_label("Username or Email Address").fill("admin")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log In").click()
    page.wait_for_url("**/wp-admin/**")
    page.close()
    yield context
    context.close()


@pytest.fixture(scope="module", autouse=True)
def _installed(site: WordPress, administrator: BrowserContext, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The guide's first two steps, as they stand there."""
    guide = GUIDE.read_text(encoding="utf-8")
    (command,) = re.findall(r"`\.venv/bin/python (examples/wordpress/pack\.py)`", guide)
    folder = tmp_path_factory.mktemp("packed")
    subprocess.run([sys.executable, command, str(folder)], cwd=ROOT, check=True)
    page = administrator.new_page()
    page.goto(f"{site.address}/wp-admin/plugin-install.php")
    page.get_by_role("link", name="Upload Plugin").or_(page.get_by_role("button", name="Upload Plugin")).first.click()
    page.locator("input[name=pluginzip]").set_input_files(folder / "ece-widget.zip")
    page.get_by_role("button", name="Install Now").click()
    page.get_by_role("link", name="Activate Plugin").click()
    expect(page.get_by_text("Plugin activated.")).to_be_visible()
    page.close()


@pytest.fixture
def page(administrator: BrowserContext) -> Iterator[Page]:
    page = administrator.new_page()
    yield page
    page.close()


def save(page: Page, site: WordPress, fields: dict[str, str]) -> None:
    """The guide's third step. WordPress takes the word that says so out of the address again, at once."""
    page.goto(f"{site.address}/wp-admin/options-general.php?page=ece-widget")
    for label, text in fields.items():
        page.get_by_label(label, exact=True).fill(text)
    with page.expect_navigation(url="**settings-updated**"):
        page.get_by_role("button", name="Save Changes").click()


def test_the_button_is_on_every_page_but_those_that_a_rule_gives_another_or_none(
    site: WordPress, server: str, page: Page
) -> None:
    save(page, site, {"Your ECE Widget server": f"{server}/", "Entry point of all pages": "sales"})
    page.goto(site.address)
    expect(page.locator(BUTTON)).to_be_visible()
    expect(page.locator("ece-chat")).to_have_attribute("entry-point", "sales")
    rules = {"Path 1": "/sample-page/", "Entry point 1": "", "Path 2": "careers/*", "Entry point 2": "support"}
    save(page, site, rules)
    page.goto(f"{site.address}/sample-page/")
    page.wait_for_load_state("networkidle")
    expect(page.locator("ece-chat")).to_have_count(0)
    page.goto(f"{site.address}/careers/none-like-this/")
    expect(page.locator("ece-chat")).to_have_attribute("entry-point", "support")
    save(page, site, {"Path 1": "", "Path 2": ""})
    page.goto(f"{site.address}/sample-page/")
    expect(page.locator(BUTTON)).to_be_visible()


def test_the_block_and_the_shortcode_place_a_button_in_a_text(site: WordPress, server: str, page: Page) -> None:
    save(page, site, {"Your ECE Widget server": server, "Entry point of all pages": ""})
    page.goto(site.post('[ece_chat entry_point="support"]'))
    expect(page.locator("ece-chat[entry-point=support]").locator(BUTTON)).to_be_visible()
    page.goto(site.post('<!-- wp:ece-widget/chat {"entryPoint":"sales"} /-->'))
    expect(page.locator("ece-chat[entry-point=sales]").locator(BUTTON)).to_be_visible()
    page.goto(site.post('[ece_chat entry_point="<b>sales</b>"]'))
    expect(page.locator("ece-chat")).to_have_count(0)


def test_the_theme_is_that_of_the_settings_where_a_text_names_none(site: WordPress, server: str, page: Page) -> None:
    fields = {"Your ECE Widget server": server, "Entry point of all pages": "sales"}
    save(page, site, {**fields, "Theme": "bold"})
    page.goto(site.post('[ece_chat entry_point="support"] [ece_chat entry_point="support" theme="civic"]'))
    expect(page.locator("ece-chat[entry-point=sales]")).to_have_attribute("theme", "bold")
    of_the_text = page.locator("ece-chat[entry-point=support]")
    expect(of_the_text.nth(0)).to_have_attribute("theme", "bold")
    expect(of_the_text.nth(1)).to_have_attribute("theme", "civic")
    save(page, site, {**fields, "Theme": ""})


def test_the_editor_shows_the_block(site: WordPress, page: Page) -> None:
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(f"{site.address}/wp-admin/post-new.php?post_type=page")
    page.wait_for_function("window.wp?.blocks?.getBlockType('ece-widget/chat')")
    page.evaluate("""() => {
      const block = wp.blocks.createBlock("ece-widget/chat", { entryPoint: "sales" });
      wp.data.dispatch("core/block-editor").insertBlocks(block);
    }""")
    frame = (
        page.frame_locator("iframe[name=editor-canvas]") if page.locator("iframe[name=editor-canvas]").count() else page
    )
    expect(frame.get_by_text("sales: The chat button stands here while chat is open.")).to_be_visible()
    assert faults == []


def test_a_mistake_is_told_and_keeps_what_was_there(site: WordPress, server: str, page: Page) -> None:
    save(page, site, {"Your ECE Widget server": server, "Entry point of all pages": "sales"})
    save(page, site, {"Your ECE Widget server": "javascript:alert(1)", "Entry point of all pages": "<b>x</b>"})
    expect(page.get_by_text("The address is one like")).to_be_visible()
    expect(page.get_by_text('A name has small letters, digits, "-" and "_" only: <b>x</b>')).to_be_visible()
    expect(page.get_by_label("Your ECE Widget server", exact=True)).to_have_value(server)
    expect(page.get_by_label("Entry point of all pages", exact=True)).to_have_value("sales")


def test_the_texts_are_those_of_the_sites_language(site: WordPress, page: Page) -> None:
    site.run("require 'wp-load.php'; update_option( 'locale_of_the_test', 'de_DE' );")
    try:
        page.goto(f"{site.address}/wp-admin/options-general.php?page=ece-widget")
        expect(page.get_by_label("Entry Point aller Seiten", exact=True)).to_be_visible()
    finally:
        site.run("require 'wp-load.php'; delete_option( 'locale_of_the_test' );")


def test_the_plugin_calls_nobody_and_nothing_of_it_is_left_when_it_is_deleted(site: WordPress, page: Page) -> None:
    called = site.folder / "called"
    assert "ece-widget" not in (called.read_text() if called.exists() else "")
    log = site.folder / "wp-content" / "debug.log"
    assert "ece-widget" not in (log.read_text() if log.exists() else "")
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"{site.address}/wp-admin/plugins.php")
    row = page.locator("tr[data-slug=ece-widget]")
    row.get_by_role("link", name="Deactivate").click()
    expect(page.get_by_text("Plugin deactivated.")).to_be_visible()
    row.get_by_role("link", name="Delete").click()
    expect(page.get_by_text("was successfully deleted")).to_be_visible()
    assert not (site.folder / "wp-content" / "plugins" / "ece-widget").exists()
    count = "require 'wp-load.php'; global $wpdb; foreach ( $wpdb->tables() as $table ) {"
    count += ' foreach ( $wpdb->get_results( "SELECT * FROM $table", ARRAY_A ) as $row ) {'
    count += " if ( false !== stripos( wp_json_encode( $row ), 'ece_widget' ) ) { echo wp_json_encode( $row ); } } }"
    assert site.run(count) == ""
