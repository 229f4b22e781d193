"""The same tests on both backends: Whoosh in a directory, PostgreSQL in a database of its own."""

import psycopg
import pytest
from sqlalchemy import create_engine

from kb.search import postgres_tables, synonyms
from kb.search.postgres_index import PostgresIndex
from kb.search.whoosh_index import WhooshIndex


@pytest.fixture(scope="session")
def search_engine(postgresql_server):
    with psycopg.connect(postgresql_server.get_uri(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE search_contract")
    engine = create_engine(
        postgresql_server.get_uri(database="search_contract").replace("postgresql://", "postgresql+psycopg://", 1)
    )
    yield engine
    engine.dispose()


@pytest.fixture
def postgres_index(search_engine):
    with search_engine.begin() as connection:
        postgres_tables.drop(connection)
        postgres_tables.create(connection)
    return PostgresIndex(search_engine)


@pytest.fixture
def whoosh_index(tmp_path):
    return WhooshIndex(tmp_path / "search")


@pytest.fixture(params=["whoosh", "postgresql"])
def index(request):
    """An index that was never built, of each kind in turn."""
    return request.getfixturevalue({"whoosh": "whoosh_index", "postgresql": "postgres_index"}[request.param])


@pytest.fixture(autouse=True)
def no_synonyms():
    """The words alone, so that what is found can be told exactly; tests of synonyms take them into use themselves."""
    synonyms.use((), "none")
    yield
    synonyms.use(synonyms.shipped(), "shipped")
