"""The labels of the zoo: every mutant says which diagnoses of it are right, in the checker's own words."""

from collections import Counter

from benchmarks.zoo import HARD, MUTANTS, SUBJECTS
from benchmarks.zoo.kinds import labels
from gradlab.verify.diagnose.diagnosis import KINDS


def test_each_mutant_has_a_label_and_each_label_a_mutant() -> None:
    """No mutant was forgotten and no label outlived its mutant; `Mutant.kinds` is the label."""
    assert set(labels()) == {mutant.name for mutant in MUTANTS}
    assert all(mutant.kinds == labels()[mutant.name] for mutant in MUTANTS)


def test_labels_are_one_to_three_known_kinds() -> None:
    """A label is a choice: at least one kind, at most three, none twice, all in the vocabulary."""
    for name, kinds in labels().items():
        assert 1 <= len(kinds) <= 3, name
        assert len(set(kinds)) == len(kinds), name
        assert set(kinds) <= KINDS.keys(), name


def test_labels_are_strict() -> None:
    """Most mutants have one right diagnosis, and no kind is right for more than a quarter of them."""
    assert sum(len(kinds) == 1 for kinds in labels().values()) > len(labels()) / 2
    counts = Counter(kind for kinds in labels().values() for kind in kinds)
    assert max(counts.values()) < len(labels()) / 4


def test_each_kind_is_asked_for() -> None:
    """Each kind of the vocabulary is right for some mutant, so none is there for show."""
    assert {kind for kinds in labels().values() for kind in kinds} == KINDS.keys()


def test_zoo_keeps_its_promise() -> None:
    """At least 200 mutants of at least 20 operations, and at least 60 correct backwards that are hard."""
    assert len(MUTANTS) >= 200
    assert len({mutant.subject.name for mutant in MUTANTS}) >= 20
    assert len({subject.name for subject in HARD} - {subject.name for subject in SUBJECTS}) >= 60
