"""Names that a library keeps to itself and that we use all the same: a version without one fails here, in one sentence.

Those of uvicorn have a test of their own, tests/server/test_uvicorn.py.
"""

from __future__ import annotations

import ast
import re
import ssl
from importlib import metadata
from platform import python_version

import httpcore
import httpx

from tests.server.test_uvicorn import OVERRIDDEN, USED
from tests.test_architecture import MODULES, tree

OF_LIBRARIES = {"_pool", "_sslobj"}
# Private by their look alone: of named tuples, of the operating system, and lxml's only name for the type.
DOCUMENTED = {"_asdict", "_fields", "_replace", "_exit", "_Element"}


def test_what_we_give_the_http_library_as_its_pool_is_where_it_looks_for_one() -> None:
    pool = vars(httpx.AsyncHTTPTransport(verify=False)).get("_pool")
    sentence = f"httpx {metadata.version('httpx')} has no AsyncHTTPTransport._pool, which widget/ece/client.py sets."
    assert isinstance(pool, httpcore.AsyncConnectionPool), sentence


def test_the_certificates_that_a_server_sent_are_where_we_look_for_them() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    secured = context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="host")
    sentence = f"Python {python_version()} has no _sslobj.get_unverified_chain, which widget/ece/tls.py asks."
    assert hasattr(getattr(secured, "_sslobj", None), "get_unverified_chain"), sentence


def test_no_other_private_name_of_a_library_is_used() -> None:
    """What is read and never made is a library's, and what is made and never read is made for one."""
    nodes = [node for module in MODULES for node in ast.walk(tree(module))]
    attributes = [node for node in nodes if isinstance(node, ast.Attribute)]
    parts = [part for node in nodes if isinstance(node, ast.ClassDef) for part in node.body]
    read = {each.attr for each in attributes if isinstance(each.ctx, ast.Load)}
    made = {each.attr for each in attributes if isinstance(each.ctx, ast.Store)}
    made |= {each.name for each in parts if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)}
    fields = {ast.unparse(each.target) for each in parts if isinstance(each, ast.AnnAssign)}
    private = {name for name in (read - fields) ^ (made - fields) if re.match("_[^_]", name)}
    of_uvicorn = {name for owner in (USED, OVERRIDDEN) for names in owner.values() for name in names}
    assert private - of_uvicorn == OF_LIBRARIES | DOCUMENTED
