"""What a reply says of the sounds: each check with replies that it must and must not find."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from judged_rows import COW, VIOLIN, Predicate, seed_prompt, table
from made_up_clips import clip, scene, single

from balsa_pipe.tasks import judging

COPIED = table(
    judging.copies_example,
    [
        "A kazoo and a cow.",
        "A cow and a lawn.",
        "A cow and kazoos.",
        "A mower mows.",
        "Kazoo!",
        "A lawn mower and a cow.",
        "No kazoo is heard.",
        "I can hear a cow and a Kazoo.",
        "A cow on the lawn.",
        "Lawn mowers.",
        "A cow’s kazoo.",
        "kazoo, cow",
        "A cow and something like a kazoo.",
        "First a lawnmower, then a kazoo.",
        "1. Kazoo\n2. Cow",
    ],
    [
        "A cow in a meadow.",
        "A cow hums.",
        "I hear a cow.",
        "A cow moos in a field.",
        "The meadow is silent.",
        "There is no dog.",
        "What do you hear?",
        "A cow can be heard in the clip.",
        "A law is read.",
        "A lawnmower.",
        "A lawyer speaks.",
        "",
        "Yes, a cow.",
        "A flute and a drum.",
        "Heard: a cow.",
    ],
)

LEFT_OUT = table(
    judging.misses_sound,
    [
        "An animal is heard.",
        "A dog barks.",
        "",
        "Something is heard in the background.",
        "I can hear a sound.",
        "A farm.",
        "The sound is loud and clear.",
        "A bull.",
        "A violin.",
        "Yes.",
        "There is no dog.",
        "The clip has one sound.",
        "A cowboy rides.",
        "Coward!",
        "Cattle.",
    ],
    [
        "Cows are heard.",
        "Something goes moo.",
        "The cow moos.",
        "A COW!",
        "mooing",
        "A cow's voice.",
        "cow",
        "It is a cow, no dog.",
        "Cows moo.",
        "1. Cow",
        "**Cow**",
        "“Cow”",
        "A dog and a cow.",
        "It mooed.",
        "Moos.",
    ],
)

MADE_UP = table(
    judging.names_absent,
    [
        "A cow and a dog.",
        "Steam trains pass a cow.",
        "Dogs bark.",
        "A dog barks.",
        "I can hear a cow, a dog and rain.",
        "No cow, but a dog.",
        "A cow and then a dog.",
        "There is no cow, only a dog.",
        "Dog: yes.",
        "- cow\n- dog",
        "Cow, dog",
        "I can't hear anything except a dog.",
        "A dog isn't the only sound.",
        "It might be a dog.",
        "A steam train whistles. There is no cow.",
        "No, a dog.",
        "It isn't a cow, it's a dog.",
    ],
    [
        "A cow, no dog.",
        "A train passes.",
        "A cow.",
        "I can't hear a dog.",
        "Neither a dog nor a steam train.",
        "There is a cow, but no dogs.",
        "A cow moos and a dog isn't heard.",
        "Is there a dog? No.",
        "Dog: no.",
        "Steam and smoke.",
        "A hot day.",
        "Not heard: dog.",
        "The clip is dog-free.",
        "Everything but a dog.",
        "A cow rather than a dog.",
        "",
    ],
)

DENIED = table(
    judging.denies_present,
    [
        "There is no cow.",
        "A dog, not a cow.",
        "I can't hear any cows.",
        "No cows are heard.",
        "A cow isn't heard.",
        "The cow is absent.",
        "Neither a dog nor a cow.",
        "A dog without a cow.",
        "Cow: no.",
        "Missing: cow, dog.",
        "I can’t hear a cow.",
        "Yes, but there is no cow.",
        "No, there is a dog and no cow.",
        "I can hear everything but a cow.",
        "A cow cannot be heard.",
    ],
    [
        "A cow, no dog.",
        "A cow.",
        "No dog, but a cow.",
        "There is only a cow.",
        "Nothing but a cow is heard.",
        "There is no other cow.",
        "The cow doesn't stop mooing.",
        "A cow moos, and a dog isn't heard.",
        "No, I can hear a cow.",
        "A cow is not alone.",
        "There's no doubt that it is a cow.",
        "Apart from a cow, I can't hear anything.",
        "Is there no cow? There is.",
        "",
        "No dog.",
    ],
)

NO_ABSENT = table(
    judging.mentions_no_absent,
    [
        "I can't hear a cat.",
        "A cow.",
        "",
        "No train.",
        "No steam.",
        "Nothing else.",
        "A hot day.",
        "No other sounds are present.",
        "There is no music.",
        "I hear a cow, but nothing else.",
        "No doggedness.",
        "No trains, no steam.",
        "Everything is there.",
        "No.",
        "No speech and no rain.",
    ],
    [
        "No dog.",
        "A steam train",
        "No dogs and no steam trains.",
        "A dog barks.",
        "I can't hear any dog.",
        "Dog, steam train",
        "dog",
        "There is a cow, but no steam-train.",
        "Dog’s barking is absent.",
        "1. Dog",
        "**dog**",
        "Neither dogs nor trains.",
        "A cow, not a dog.",
        "Not a dog in sight.",
        "Dog-free.",
    ],
)

NO_VERDICT = table(
    judging.gives_no_verdict,
    [
        "A cow.",
        "Maybe yes",
        "Nothing",
        "",
        "There is no cow.",
        "Absolutely, a cow.",
        "I think yes.",
        "Answer: yes",
        "Yes and no.",
        "Yes/No",
        "Yes or no?",
        "No, yes, a cow.",
        "No, there is no cow. Yes, there is.",
        "Yes, a cow.\nNo.",
        "No doubt, a cow moos.",
        "Yesterday a cow mooed.",
        "Not a cow.",
        "Nope.",
    ],
    [
        "Yes.",
        "no dog",
        "NO!",
        "Yes, a cow.",
        "**Yes**, a cow.",
        "Yes - a cow",
        "No, I can't hear a cow.",
        "“No.”",
        "- Yes",
        "No, no cow is there.",
        "Yes! A cow moos. No dog, though.",
        "Yes, there is no doubt.",
        "No: a dog.",
        "No\nA dog barks.",
        "Yes. Yes.",
        " yes",
    ],
)

WANDERING = table(
    judging.wanders_off,
    [
        "No, only a flute",
        "Yes, a kazoo.",
        "Yes, someone laughs.",
        "No, I can hear a piano and rain.",
        "Yes, the bell rings.",
        "No, it is a horse.",
        "Yes, a flute is clearly audible.",
        "No, there is music.",
        "Yes, an engine idles.",
        "No, a siren wails in the distance.",
        "Yes, I hear footsteps.",
        "No, birds.",
        "Yes, thunder.",
        "No, only silence and wind.",
        "Yes, a baby cries.",
    ],
    [
        "Yes.",
        "Yes, a cow.",
        "No, no dogs.",
        "Yes, it is so.",
        "Yes, that sound is in the clip.",
        "Yes, that is correct.",
        "No, it isn't there.",
        "No, it cannot be heard.",
        "Yes, it is clearly audible.",
        "No, there is an animal, but no dog.",
        "Yes, something goes moo.",
        "No, no steam train passes.",
        "No",
        "Yes, a farm animal is there.",
        "No, I can hear cows.",
        "Yes, dogs and cats.",
        "",
    ],
)


@pytest.mark.parametrize(
    ("check", "reply", "expected"),
    [*COPIED, *LEFT_OUT, *MADE_UP, *DENIED, *NO_ABSENT, *NO_VERDICT, *WANDERING],
)
def test_check(check: Predicate, reply: str, expected: bool) -> None:
    assert check(seed_prompt(), reply) is expected


def test_what_was_verified_as_absent_may_be_denied_in_any_form() -> None:
    row = seed_prompt(single("owl"), present=["owl"], absent=["wild animal", "percussion", "crow"])
    for reply in ("No wild animals.", "No percussion instruments.", "A crow isn't there."):
        assert not judging.denies_present(row, reply)
    assert judging.denies_present(row, "There are no animals.")
    assert judging.denies_present(row, "I can't hear any birds or percussion.")


@pytest.mark.parametrize(
    "reply", ["There is no animal.", "No livestock is heard.", "I hear no farm animals."]
)
def test_kinds_of_what_is_heard_can_not_be_denied(reply: str) -> None:
    row = seed_prompt(single("cow"), present=["cow"])
    assert judging.denies_present(row, reply)
    pair = seed_prompt(single("cow"), VIOLIN, present=["cow", "violin"])
    assert judging.denies_of_clip(pair, reply)
    assert not judging.denies_of_clip(pair, f"In the second clip: {reply}")


def test_captions_tell_what_is_heard_too() -> None:
    row = seed_prompt(clip("x", [], captions=["A dog barks at a car."]), present=[], absent=[])
    for reply in ("No animal is heard.", "I can't hear a vehicle.", "There is no barking."):
        assert judging.denies_present(row, reply)
    for reply in ("No cat is heard.", "I can't hear any music.", "There is no rain."):
        assert not judging.denies_present(row, reply)


@pytest.mark.parametrize("reply", ["Dog, steam train", "A dog\nA steam train", "1. Dog", "Dogs."])
def test_a_mere_list_answers_what_is_asked(reply: str) -> None:
    assert judging.names_absent(seed_prompt(), reply)
    assert not judging.names_absent(seed_prompt(task="absence"), reply)


@pytest.mark.parametrize("reply", ["Cow, dog", "1. Cow\n2. Dog", "Sounds of a cow."])
def test_a_list_of_what_is_absent_may_be_wrong(reply: str) -> None:
    assert judging.denies_present(seed_prompt(task="absence"), reply)
    assert not judging.denies_present(seed_prompt(), reply)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("Yes, I can hear a drum.", True),
        ("Yes, there is a drum in the clip.", True),
        ("Yes, I can hear a tool.", False),
        ("Yes, I can hear a hammer.", False),
        ("Yes, I can hear a hammer and a drum.", False),
        ("Yes, it is there.", False),
        ("Yes.", False),
    ],
)
def test_a_yes_about_another_sound_is_no_answer(reply: str, expected: bool) -> None:
    mixed = scene(clip("a", ["hammer", "tool"]), clip("b", ["drum", "percussion"]))
    row = seed_prompt(mixed, present=["tool", "hammer", "drum"], absent=(), verdict="yes")
    assert judging.answers_for_another(row, reply) is expected
    no = seed_prompt(mixed, present=["hammer", "drum"], absent=["dog"], verdict="no")
    assert not judging.answers_for_another(no, reply)


def test_labels_of_one_recording_may_name_one_sound() -> None:
    one = clip("a", ["hammer", "tool", "drum"])
    row = seed_prompt(one, present=["tool", "hammer", "drum"], absent=(), verdict="yes")
    assert not judging.answers_for_another(row, "Yes, I can hear a drum.")


def test_what_the_labels_say_is_no_wandering() -> None:
    row = seed_prompt(single("owl"), present=["owl"], absent=["dog"])
    assert not judging.wanders_off(row, "No, I can hear a bird.")
    assert judging.wanders_off(row, "No, I can hear a train.")


def test_without_labels_the_caption_has_to_be_met() -> None:
    row = seed_prompt(clip("x", [], captions=["Somebody whistles"]), present=())
    assert not judging.misses_sound(row, "A person whistling.")
    assert judging.misses_sound(row, "A person singing.")
    assert not judging.misses_sound(seed_prompt(clip("x", []), present=()), "Whatever")


def test_words_of_place_and_loudness_meet_no_caption() -> None:
    row = seed_prompt(clip("x", [], captions=["A loud whistle in the background"]), present=())
    assert judging.misses_sound(row, "A loud drum in the background.")
    assert not judging.misses_sound(row, "Whistling.")


def test_a_verb_meets_its_noun() -> None:
    row = seed_prompt(clip("x", ["speech"]), present=["speech"], absent=["laughter"])
    assert not judging.misses_sound(row, "A man is speaking.")
    assert judging.names_absent(row, "A man speaks and laughs.")


def test_every_clip_of_a_group_has_to_be_met() -> None:
    row = seed_prompt(COW, VIOLIN, present=("cow", "violin"))
    assert judging.misses_sound(row, "A cow.")
    assert not judging.misses_sound(row, "A cow and a violin.")


def test_every_part_of_a_scene_has_to_be_met_where_asked() -> None:
    row = seed_prompt(scene(COW, VIOLIN), present=("cow", "violin"))
    assert judging.misses_part(row, "A violin.")
    assert not judging.misses_sound(row, "A violin.")
    assert not judging.misses_part(row, "First a moo, then a violin.")
    assert not judging.misses_part(seed_prompt(), "A violin.")


@pytest.mark.parametrize(
    ("verdict", "reply", "expected"),
    [
        ("yes", "Yes, a cow.", False),
        ("yes", "No.", True),
        ("no", "No", False),
        ("no", "Yes.", True),
    ],
)
def test_contradicts_verdict(verdict: str, reply: str, expected: bool) -> None:
    assert judging.contradicts_verdict(seed_prompt(verdict=verdict), reply) is expected


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("The first clip has a cow, while the second has a violin.", False),
        ("The first clip has a violin, while the second has a cow.", True),
        ("The first has a cow and a violin, the second has a violin.", True),
        ("The first clip has a cow and no violin, the second clip a violin.", False),
        ("A cow is in the first clip and a violin in the second.", False),
        ("A violin is in the first clip and a cow in the second.", True),
        ("Clip 1 is a cow, clip 2 is a violin.", False),
        ("Clip A has a cow, clip B has a violin.", False),
        ("Clip A has a violin, clip B has a cow.", True),
        ("Recording #2 has a cow.", True),
        ("Clip one has a violin.", True),
        ("The former is a violin, the latter is a cow.", True),
        ("The former is a cow, the latter a violin.", False),
        ("The last clip has a cow.", True),
        ("The last clip has a violin, the first clip has a cow.", False),
        ("Audio 1 is a violin.", True),
        ("First a cow, then a violin is heard.", False),  # an order, not a clip
        ("In the first half a violin is heard.", False),
        ("For the first few seconds, a violin is heard.", False),
        ("One is a violin, the other is a cow.", False),
        ("The first clip has a cow, and the other clip has a violin.", False),
        ("The first clip has a violin, the other one a cow.", True),
        ("The second has a violin. The other has a cow.", False),
        ("The third clip has a violin.", False),  # there is no third
        ("The first clip is an animal.", False),
        ("**Clip 1**: a cow\n**Clip 2**: a violin", False),
        ("The first clip: cow. The second clip: cow.", True),
    ],
)
def test_mixes_up_clips(reply: str, expected: bool) -> None:
    row = seed_prompt(COW, VIOLIN, present=("cow", "violin"))
    assert judging.mixes_up_clips(row, reply) is expected


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("A cow and no violin.", True),
        ("There is neither a cow nor a violin.", True),
        ("The first clip has no cow.", True),
        ("The first clip has a violin, but no cow.", True),
        ("The second clip doesn't have a violin.", True),
        ("A cow is in the first clip, no violin in the second.", True),
        ("Only the second clip lacks a violin.", True),
        ("No violin is heard. The first clip has a cow.", True),
        ("The first clip has a cow, while the second clip has no cow.", False),
        ("The first clip has a cow and no violin, the second a violin and no cow.", False),
        ("Unlike the first clip, the second one has no cow but a violin.", False),
        ("A cow is in the first clip and not in the second.", False),
        ("The first clip has a cow, but the second doesn't.", False),
        ("No cow is in the second clip.", False),
        ("A cow and a violin.", False),
        ("", False),
    ],
)
def test_denies_of_clip(reply: str, expected: bool) -> None:
    row = seed_prompt(COW, VIOLIN, present=("cow", "violin"))
    assert judging.denies_of_clip(row, reply) is expected


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("The first clip has a cow, the second one a violin.", False),
        ("The first has a cow, the second a violin, and the third clip has a pig.", True),
        ("The third has a pig.", True),
        ("Clip 3 is a cow.", True),
        ("Clip C is a cow.", True),
        ("Recording 5 is a cow.", True),
        ("Audio #3 is a cow.", True),
        ("The fifth clip is a cow.", True),
        ("Clip three has a cow.", True),
        ("The fourth one is a cow.", True),
        ("A fourth recording has a cow.", True),
        ("Sample 4: a cow.", True),
        ("The third recording: a cow.", True),
        ("The sixth track is a cow.", True),
        ("Clip 1 has a cow. Clip 2 has a violin. Clip 3 has both.", True),
        ("Across the three clips a cow can be heard.", True),
        ("All 3 audio clips have a cow.", True),
        ("The second clip has a cow and the other two clips a violin.", True),
        ("These two clips have a cow and a violin.", False),
        ("Of the 2 recordings one has a cow.", False),
        ("A cow, then a violin, and a third sound.", False),
        ("The third sound is a violin.", False),
        ("The last clip has a violin.", False),
        ("The latter has a violin.", False),
        ("In the third part a cow moos.", False),
        ("Two clips: a cow and a violin.", False),
        ("A third of the time a cow moos.", False),
        ("Clip 2 has a violin.", False),
        ("The clip a cow is in has no violin.", False),
        ("One clip has a cow, the other a violin.", False),
        ("A cow moos 3 times.", False),
        ("The recording has 3 sounds.", False),
        ("The clips have a cow and a violin.", False),
        ("A violin plays a fifth.", False),
        ("", False),
    ],
)
def test_mentions_wrong_clip(reply: str, expected: bool) -> None:
    row = seed_prompt(COW, VIOLIN, present=("cow", "violin"))
    assert judging.mentions_wrong_clip(row, reply) is expected


@pytest.mark.parametrize(
    ("first", "second", "reply"),
    [
        (["singing"], ["christmas music"], "The first clip has singing and music."),
        (["filing (rasp)"], ["snare drum"], "The first clip has filing, a type of music."),
        (["music of bollywood"], ["glass", "speech"], "The second clip has glass and music."),
        (["funk"], "Wet smacking and rustling", "The first clip has a funk and a rustling."),
        ("A car revs", "The wind blows", "The first clip has a car revving in the wind."),
        ("A bell rings", ["car passing by"], "The second clip has a car and a bell."),
        ("Someone coughs", ["chicken", "speech"], "The second clip has a chicken and coughing."),
    ],
)
def test_what_only_the_other_clips_texts_tell_is_mixed_up(
    first: list[str] | str, second: list[str] | str, reply: str
) -> None:
    pair = [
        clip(name, [], captions=[told]) if isinstance(told, str) else clip(name, told)
        for name, told in (("a", first), ("b", second))
    ]
    present = [sound for told in (first, second) if isinstance(told, list) for sound in told]
    row = seed_prompt(*pair, present=present, absent=())
    assert judging.mixes_up_clips(row, reply)
    turned = seed_prompt(*pair[::-1], present=present, absent=())
    swapped = reply.replace("first", "*").replace("second", "first").replace("*", "second")
    assert judging.mixes_up_clips(turned, swapped)
    both = {**pair[0], "labels": present, "captions": [c for one in pair for c in one["captions"]]}
    same = seed_prompt(both, {**both, "clip_id": "c"}, present=present, absent=())
    assert not judging.mixes_up_clips(same, reply)


def test_a_sound_that_both_clips_have_mixes_nothing_up() -> None:
    row = seed_prompt(scene(COW, VIOLIN), VIOLIN, present=("cow", "violin"))
    assert not judging.mixes_up_clips(row, "The first clip has a violin, the second one too.")
    assert judging.mixes_up_clips(row, "The second clip has a cow.")


def test_the_other_end_of_a_clip_is_no_other_clip() -> None:
    row = seed_prompt(COW, VIOLIN, present=("cow", "violin"))
    reply = "The first has a cow, the second a violin, and at the other end of the clip a cow moos."
    assert judging.mixes_up_clips(row, reply)


def test_of_three_clips_the_latter_may_be_any() -> None:
    row = seed_prompt(COW, VIOLIN, single("rain"), present=("cow", "violin", "rain"))
    assert not judging.mixes_up_clips(row, "The latter has a cow.")
    assert judging.mixes_up_clips(row, "The last clip has a cow.")
    assert not judging.mentions_wrong_clip(row, "The third clip has rain.")


@given(st.text())
def test_any_reply_is_judged(reply: str) -> None:
    row = seed_prompt(COW, VIOLIN, verdict="yes")
    for _, check in judging.SEVERAL_CLIPS:
        assert check(row, reply) in (True, False)


@pytest.mark.parametrize(
    ("absent", "reply", "expected"),
    [
        ("vehicle", "I can hear a car crash.", True),
        ("vehicle", "A cow and a lorry.", True),
        ("vehicle", "There is no car.", False),
        ("vehicle", "A cow moos at a carpet.", False),
        ("animal", "A dog is barking.", True),
        ("animal", "A kitten meows.", True),
        ("animal", "A man is speaking.", False),
        ("animal", "The wind howls and a machine chirps.", False),
        ("animal", "There is a mouse click.", False),
        ("dog", "A puppy is heard.", True),
        ("dog", "I can hear barking.", True),
        ("dog", "Puppies bark.", True),
        ("dog", "No puppy is heard.", False),
        ("dog", "A kitten is heard.", False),
        ("dog", "An animal is heard.", False),
        ("cat", "A kitten is heard.", True),
        ("cat", "A violin meows.", True),
        ("cat", "A puppy is heard.", False),
        ("musical instrument", "A clarinet plays.", True),
        ("musical instrument", "Someone types on a keyboard.", False),
        ("musical instrument", "The rain drums on the roof.", False),
        ("Domestic animals, pets", "A dog barks.", True),
        ("speech", "People talk.", True),
        ("speech", "People walk.", False),
        ("Police car (siren)", "A police siren wails.", True),
        ("Police car (siren)", "The siren of a police car.", True),
        ("Police car (siren)", "A siren wails.", False),
        ("Female speech, woman speaking", "A woman is speaking.", True),
        ("Female speech, woman speaking", "A man is speaking.", False),
    ],
)
def test_a_kind_of_what_is_absent_is_absent_too(absent: str, reply: str, expected: bool) -> None:
    row = seed_prompt(single("violin"), present=["violin"], absent=[absent])
    if absent == "musical instrument":
        row = seed_prompt(clip("rain", ["rain"]), present=["rain"], absent=[absent])
    assert judging.names_absent(row, reply) is expected


def test_what_the_clip_has_is_no_kind_of_what_is_absent() -> None:
    captioned = clip("x", ["rain"], captions=["A puppy plays in the rain."])
    row = seed_prompt(captioned, present=["rain"], absent=["dog"])
    assert not judging.names_absent(row, "A puppy in the rain.")


RAIN_AND_DOG = seed_prompt(
    clip("x", ["rain", "dog", "animal"]), present=["rain", "dog"], absent=["cat", "piano"]
)


@pytest.mark.parametrize(
    "reply",
    [
        "There are no sounds in the clip.",
        "Nothing can be heard.",
        "I can't hear anything.",
        "The clip is silent.",
        "There is neither barking nor a piano.",
        "There is no puppy.",
        "There is no barking in the rain.",
        "No animal, cat or piano is heard.",
        "The dog is absent, and so is a cat.",
        "While a bell can be heard, a dog and a cat can't.",
    ],
)
def test_more_ways_to_deny_what_is_heard(reply: str) -> None:
    assert judging.denies_present(RAIN_AND_DOG, reply)


@pytest.mark.parametrize(
    "reply",
    [
        "The rain isn't quiet.",
        "The rain isn't quiet, and the dog is not far away.",
        "There is no cat in the rain.",
        "There is no cat with the dog.",
        "I can't hear a piano over the rain.",
        "The dog is not absent.",
        "A cat is absent, and so is a piano.",
        "No sound other than rain and a dog.",
        "The rain does not drown out the dog.",
        "While rain can be heard, a cat and a piano can't.",
        "There is nothing but rain and a dog.",
        "There are no other sounds.",
        "No other animal than the dog is heard.",
    ],
)
def test_no_denial_of_what_is_heard(reply: str) -> None:
    assert not judging.denies_present(RAIN_AND_DOG, reply)
    assert not judging.names_absent(RAIN_AND_DOG, reply)


def test_a_clip_labelled_as_silence_may_be_said_to_be_silent() -> None:
    row = seed_prompt(clip("x", ["Silence"]), present=["silence"])
    assert not judging.denies_present(row, "There is only silence in the clip.")


@pytest.mark.parametrize(
    ("heard", "reply", "expected"),
    [
        ("sneezing", "Somebody sneezes.", False),
        ("human sounds", "Somebody sneezes.", False),
        ("Respiratory sounds", "Somebody sneezes.", False),
        ("Sneeze", "A sneeze.", False),
        ("dog", "Somebody sneezes.", True),
    ],
)
def test_what_the_clip_has_is_not_copied(heard: str, reply: str, expected: bool) -> None:
    row = seed_prompt(clip("x", [heard]), present=[heard.lower()], heard="something")
    row["messages"][1]["content"] = "[Begin of audio] Heard: a sneeze. [End of audio] Well?"
    assert judging.copies_example(row, reply) is expected


TRAIN_AND_CHOIR = seed_prompt(
    clip("a", [], captions=["A train passes by on squeaky tracks"]),
    clip("b", [], captions=["A choir sings in a large hall"]),
    present=[],
    absent=[],
)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("The first clip has a train, while the second has a choir.", False),
        ("The first clip has a choir, while the second has a train.", True),
        ("The first clip has squeaky tracks, the second people singing in a hall.", False),
        ("The first clip has people singing, the second squeaky tracks.", True),
        ("In the first clip a hall is heard, in the second one a choir.", True),
        ("The first clip has a train but no choir, the second a choir but no train.", False),
        ("The first clip is a vehicle, the last is a choir.", False),
        ("The first clip has a train and a choir, and the second has a choir.", True),
        ("Both the first and the second clip have people.", False),
    ],
)
def test_captions_tell_clips_apart(reply: str, expected: bool) -> None:
    assert judging.mixes_up_clips(TRAIN_AND_CHOIR, reply) is expected


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("The first has a puppy, the last is a violin.", False),
        ("The first is a violin, the last is a puppy.", True),
        ("The first has barking, the second has a violin.", False),
        ("The second has barking, the first has a violin.", True),
        ("The first has a dog, the second has music.", False),
        ("The second has a puppy.", True),
        ("The last has no dog.", False),
    ],
)
def test_kinds_tell_clips_apart(reply: str, expected: bool) -> None:
    row = seed_prompt(clip("a", ["dog", "animal"]), VIOLIN, present=["dog", "violin"], absent=[])
    assert judging.mixes_up_clips(row, reply) is expected
