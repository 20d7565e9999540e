"""What the analysis says of Python, at the places that are marked in cases/python and cases/python_package.

The second is a repository whose own folder is a package.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from codeassist_indexer.analysis.service import RepositoryAnalysisService
from tests.indexer.analysis.annotated import Case, check, make_repository, read_cases

FILES, MARKED = read_cases("python")
PACKAGE_FILES, PACKAGE_MARKED = read_cases("python_package")


@pytest.fixture(scope="module")
def analyst(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RepositoryAnalysisService]:
    root = tmp_path_factory.mktemp("python") / "repository"
    made = RepositoryAnalysisService(root, make_repository(root, FILES), deadline_s=60)
    yield made
    made.close()


@pytest.fixture(scope="module")
def package_analyst(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RepositoryAnalysisService]:
    root = tmp_path_factory.mktemp("package") / "json"
    made = RepositoryAnalysisService(root, make_repository(root, PACKAGE_FILES), deadline_s=60)
    yield made
    made.close()


@pytest.mark.parametrize("case", MARKED, ids=str)
def test_marked_place(analyst: RepositoryAnalysisService, case: Case) -> None:
    check(analyst, case)


@pytest.mark.parametrize("case", PACKAGE_MARKED, ids=str)
def test_marked_place_of_a_package(package_analyst: RepositoryAnalysisService, case: Case) -> None:
    check(package_analyst, case)
