"""What may be heard in a clip, as far as its labels, its captions and AudioSet's ontology tell."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache, cached_property, lru_cache

from balsa_pipe.ontology import OntologyRelations, audioset
from balsa_pipe.schemas import Row
from balsa_pipe.text import STOP_WORDS, bases, content_bases, names, same_word, words

_MAKERS = """
announcer audience baby band boy child female gentleman girl guy human infant kid lady machine
machinery male man melody motor person song storm toddler traffic tune vocal voice woman
"""
"""Everyday words for what makes a sound: denied along with it, but it may make others too."""

_VAGUE = """
accelerating arrow ass babbling bang bass bathtub bay beat beep bell bellow biting blare bleep
boom bouncing breaking breathing bugle burst buzz cacophony camera chant chatter cheering chewing
chime chink chirp chop chopping chord clang clapping clatter click clicking clink clip-clop
clock cluck clunk coin conversation coo cough country crack crackle crash creak croak crow crowd
crunch crunching crushing crying crumpling ding disco dishes distortion dribble drill drip drone
drum dub echo electronic engine explosion fill fire fizz flap fly frying funk gasp gears gong
groan growl growling grind grunt gurgling gush hammer hands harmonic harmony heavy hiss honk
honking hoot horn house howl hubbub hum humming hiccup idling inside insect jingle key keyboard
knock light liquid loop mechanisms metal microphone moan mouse mouth music noise opera organ outside
pant patter percussion pets ping pink pipe pop pour propeller puff pulse pump purr radio rattle
recording reverberation revving ring ringing roar rock roll rub rumble run rustle sampler scratch
scratching scrape scream screaming screech shatter shout shuffle sigh silence siren sizzle skidding
slam slap slosh smack smash snap sniff snort song soul splash splatter spray squawk squeak squeal
squish static steam stir stream string strum surf swing swoosh tap tapping tearing throbbing thud
thump thunk tick tinkle tools toot train trance trickle twang tweet underground vibration wail walk
water waves whack wheeze whimper whip whir whisper whistle whistling whoop whoosh wind wobble wood
writing yell yelling yip zing
"""
_OF_MANY = frozenset(f"{_MAKERS} {_VAGUE}".split())
"""Names of AudioSet's that don't tell what sounds: other things make such a sound, or are named so."""

_LONGEST = 5


@lru_cache(maxsize=512)
def _heard(
    labels: tuple[str, ...],
    captions: tuple[str, ...],
    present: tuple[str, ...],
    absent: tuple[str, ...],
) -> "Heard":
    return Heard(labels, captions, present, absent)


def heard_in(sounds: Iterable[str], captions: Iterable[str], expected: Row) -> "Heard":
    """Return what is heard in a clip with these labels and captions, of which so much is expected."""
    texts = (sounds, captions, expected["present"], expected["absent"])
    labels, captions, present, absent = map(tuple, texts)
    return _heard(labels, captions, present, absent)


def kinds_among(sounds: Iterable[str], phrases: Iterable[Sequence[str]]) -> list[tuple[str, ...]]:
    """Return the names in some phrases that can only mean one of these sounds, or a kind of it."""
    ontology = audioset()
    wanted = frozenset[str]().union(*map(_meanings, sounds))
    return [
        name
        for phrase in phrases
        if wanted
        for names_there in _named(phrase, frozenset())
        for name in names_there
        if not (len(name) == 1 and _OF_MANY.intersection(bases(name[0])))
        and (nodes := _meanings(" ".join(name)))
        and all(node in wanted or not wanted.isdisjoint(ontology.above(node)) for node in nodes)
    ]


class Heard:
    """What is known to sound in a clip, and the sounds that are known not to."""

    def __init__(
        self,
        labels: Sequence[str],
        captions: Sequence[str],
        present: Iterable[str],
        absent: Iterable[str],
    ) -> None:
        """Take a clip's texts, the specific sounds among its labels, and sounds that it lacks."""
        self._labels = labels
        self._captions = captions
        self._present = frozenset(present)
        self._absent = frozenset(tuple(words(name)) for sound in absent for name in names(sound))
        self._relations = OntologyRelations(audioset())

    def covers(self, phrase: Sequence[str]) -> bool:
        """Tell whether a phrase names a sound that may be heard in the clip.

        What follows a sound that is known to be absent goes along with it ("percussion instrument").
        """
        for named in _named(phrase, self._own_names):
            if not self._absent.isdisjoint(named):
                return False
            if any(map(self._may_hold, named)):
                return True
        return False

    def _may_hold(self, name: tuple[str, ...]) -> bool:
        """Tell whether a sound may be in the clip.

        That is a kind of a specific label, what any label or word of a caption is a kind of, or
        what shares a word with them. Words of a kind that both belong to don't count: where a bass
        drum sounds, another drum may well be absent.
        """
        senses = _senses(name)
        if not self._kinds.isdisjoint(senses) or any(
            self._relations.related(sense, label)
            for sense in senses
            for label in self._labels
            if label in self._present
        ):
            return True
        shared = self._kinds & self._relations.ancestors(" ".join(name))
        of_both = content_bases(" ".join(shared))
        own = (forms for word in name if (forms := bases(word)).isdisjoint(of_both))
        return any(not forms.isdisjoint(self._said) for forms in own)

    def told_in(self, phrases: Iterable[Sequence[str]]) -> list[tuple[str, ...]]:
        """Return the names in some phrases of sounds that the clip's texts tell of, or kinds of them."""
        named = (names for phrase in phrases for names in _named(phrase, self._own_names))
        return [name for names in named for name in names if " ".join(name) in self._kinds]

    @cached_property
    def named_in_captions(self) -> frozenset[str]:
        """AudioSet's names of sounds, and of what makes them, in the captions."""
        phrases = (words(caption) for caption in self._captions)
        named = (names for phrase in phrases for names in _named(phrase, frozenset()))
        return frozenset(sense for names in named for name in names for sense in _senses(name))

    @cached_property
    def _said(self) -> frozenset[str]:
        """All forms of the words of labels and captions."""
        return content_bases(" ".join(self._told))

    @cached_property
    def _kinds(self) -> set[str]:
        """The sounds that labels and captions name, and what they are kinds of."""
        senses = {
            sense
            for text in self._told
            for own_names in (self._own_names, frozenset[tuple[str, ...]]())
            for named in _named(words(text), own_names)
            for name in named
            for sense in _senses(name)
        }
        kinds = map(self._relations.ancestors, senses.union(self._labels))
        return senses.union(self._labels, *kinds)

    @cached_property
    def _told(self) -> list[str]:
        return [*self._labels, *self._captions]

    @cached_property
    def _own_names(self) -> frozenset[tuple[str, ...]]:
        labels = (tuple(words(name)) for label in self._labels for name in names(label))
        return self._absent.union(labels)


def _named(
    phrase: Sequence[str], own_names: frozenset[tuple[str, ...]]
) -> Iterator[list[tuple[str, ...]]]:
    """Yield the longest names of sounds in a phrase, and the words that are in none.

    At each place there may be several, of which one is a form of another.
    """
    start = 0
    while start < len(phrase):
        found = _named_at(phrase[start : start + _LONGEST], own_names)
        if phrase[start] not in STOP_WORDS:
            yield found
        start += len(found[0])


def _named_at(
    phrase: Sequence[str], own_names: frozenset[tuple[str, ...]]
) -> list[tuple[str, ...]]:
    """Return the longest names that a phrase begins with, else its first word."""
    known = own_names.union(*(_names_by_base().get(b, ()) for b in bases(phrase[0])))
    fitting = [name for name in known if _begins(phrase, name)]
    longest = max(map(len, fitting), default=0)
    return sorted(name for name in fitting if len(name) == longest) or [(phrase[0],)]


def _senses(name: tuple[str, ...]) -> set[str]:
    """Return a sound's name, and AudioSet's where people use another."""
    known = audioset().everyday
    others = {sense for base in bases(name[-1]) for sense in known.get(base, ())}
    return {" ".join(name), *(others if len(name) == 1 else ())}


def _meanings(sound: str) -> frozenset[str]:
    """Return the ids of AudioSet's nodes that a sound, or a form of its word, means."""
    return frozenset[str]().union(*map(audioset().meanings, (sound, *bases(sound))))


@cache
def _names_by_base() -> dict[str, list[tuple[str, ...]]]:
    """Return all names of AudioSet's sounds, by each form that their first word may be of."""
    ontology = audioset()
    by_base: dict[str, list[tuple[str, ...]]] = {}
    for node in ontology.sounds:
        for name in {tuple(words(spelling)) for spelling in ontology.spellings(node)}:
            for base in bases(name[0]):
                by_base.setdefault(base, []).append(name)
    return by_base


def _begins(phrase: Sequence[str], name: Sequence[str]) -> bool:
    return len(name) <= len(phrase) and all(
        same_word(said, wanted) for said, wanted in zip(phrase, name, strict=False)
    )
