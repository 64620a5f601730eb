"""The form of a reply: each check with replies that it must and must not find, as LLMs write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from judged_rows import VIOLIN, Predicate, seed_prompt, table

from balsa_pipe.tasks import form

EMPTY = table(
    form.is_empty,
    [
        *("", " ", "\n", " \n\t", "...", "…", "?", "!!!", "—", "- -", "**", "🐄", "🐄 🎻"),
        *('""', "“”", "()", "[]", "\u200b", "♪♪♪"),
    ],
    [
        *("Moo", "no", "No.", "Yes", "A cow.", "1", "42", "犬", "كلب", "é", "...a", "🐄 moo"),
        *("ok", "“Moo”", "(moo)", "Ø"),
    ],
)

MARKUP = table(
    form.echoes_markup,
    [
        # our own brackets and fields
        "[Begin of audio] A cow",
        "A cow [End of audio]",
        "A cow. End of audio",
        "(Begin of audio) A cow moos (End of audio)",
        "[Audio 1] has a cow.",
        "Heard: cow.\nNot heard: dog.",
        "Heard: cow",
        "I can hear a cow. Not heard: dog.",
        "Sounds: cow",
        "**Sounds:** cow",
        "Audio 1: a cow",
        "Labels: cow, animal",
        "Caption: A cow moos.",
        '{"caption": "A cow moos."}',
        "```\nA cow moos.\n```",
        "Answer: Yes, a cow.",
        # tokens of chat templates
        "A cow<|im_end|>",
        "< |im_start|>assistant",
        "A cow moos.</s>",
        "<think>Hm.</think> A cow.",
        "[INST] A cow",
        "A cow.\nUser: What else?",
        "Assistant: A cow moos.",
        "A <b>cow</b>",
        # what was read
        "The description mentions a cow.",
        "According to the labels, a cow.",
        "Based on the tags, there is a cow.",
        "Based on the provided tags, there is a cow.",
        "According to the description provided, a cow moos.",
        "The caption mentions a cow.",
        "The caption doesn't say more.",
        "As described, a cow moos.",
        "The audio is described as a cow in a meadow.",
        "The clip is labeled as a cow.",
        "It’s tagged as a cow.",
        "Based on the information provided, it is a cow.",
        "Given the text, I hear a cow.",
        "From the description, I hear a cow.",
        "There is no mention of a dog.",
        "A dog is not mentioned.",
        "The audio doesn’t mention a dog.",
        "Other sounds aren't specified.",
        "The metadata says it is a cow.",
        "I can't hear the word “dog” in this clip.",
        "The recording lacks the word 'dog'.",
        "Yes, it is the sound of the word 'speech'.",
        "A cow, in the caption you provided.",
        # what speaks of the reply
        "Sure! Here is a caption: A cow moos.",
        "Here's a one-sentence description of the audio: A cow moos.",
        "Certainly! Here is the answer. A cow.",
    ],
    [
        "A man says the word 'stop'.",
        "Someone repeats the words “left, right”.",
        "A cow sounds its horn.",
        "A cow moos.",
        "It is 3 < 4.",
        "I can hear a cow",
        "Sure! I can hear a cow.",
        "Sure, here is what I hear: a cow.",
        "Here are the sounds: a cow and a dog.",
        "I can hear two sounds: a cow and a dog.",
        "The following sounds are heard: cow, dog.",
        "1. A cow\n2. A dog",
        "- a cow\n- a dog",
        "**A cow** moos.",
        "Present: a cow. Absent: a dog.",
        "In order: a cow, then a dog.",
        "Clip 1: a cow. Clip 2: a violin.",
        "Dog tags are jingling.",
        "A dog's tags jingle as it runs.",
        "A price tag is being ripped off.",
        "The price tag says nothing.",
        "Someone prints a label with a label maker.",
        "A man gives a description of his cow.",
        "Children play tag.",
        "A record label is announced.",
        "A cow moos at the end of the audio.",
        "At the beginning of the audio a cow moos.",
        "A bell rings at the end of audio 1.",
        "In the provided audio clip, a cow moos.",
        "Based on the sounds, this is a farm.",
        "Based on the audio, there is a cow.",
        "According to what I hear, a cow moos.",
        "A man mentions his cow.",
        "A woman says that the weather is fine.",
        "A text message arrives on a phone.",
        "Someone types on a keyboard: click, click.",
        "One caption that covers all clips is that of a farm.",
        "The user presses a button.",
    ],
)

REFUSALS = table(
    form.refuses,
    [
        "As an AI, I can't hear.",
        "As a text model I cannot hear.",
        "As a text-based AI, I'm unable to listen to it.",
        "As a large language model, I have no ears.",
        "I'm just a language model.",
        "I am an AI and can’t hear audio.",
        "I'm sorry, but no.",
        "I’m sorry.",
        "I'm so sorry, there was a mistake.",
        "Sorry, I can't do that.",
        "Unfortunately, I cannot process audio.",
        "I apologize for the confusion.",
        "My apologies, it is a cow.",
        "I am unable to do so.",
        "I'm unable to hear audio.",
        "I'm not able to listen to recordings.",
        "I'm not sure what you mean.",
        "A cow, and I'm not sure what else.",
        "I don't know.",
        "I cannot listen to audio.",
        "I can't hear the audio.",
        "I can't actually hear the clip.",
        "As I cannot hear, I guess a cow.",
        "I can not provide that.",
        "I can't help with that.",
        "I won't answer that.",
        "There is no audio file attached.",
        "There is no audio.",
        "The audio has not been provided.",
        "No audio clip was provided.",
        "I don't have access to it.",
        "I do not have the ability to hear.",
        "I don’t have any audio.",
        "Please provide the audio.",
        "Could you please share the clip?",
        "If you provide the audio, I can tell.",
        "I need more information.",
        "Without hearing the audio, I would say a cow.",
        "It is impossible to say.",
        "It's hard to tell what it is.",
        "It cannot be determined.",
        "There is not enough information.",
        "I'm afraid I can't help.",
        "I'm afraid not.",
    ],
    [
        "I can't hear a dog.",
        "I can’t hear any birds.",
        "I cannot hear any train.",
        "I can't hear any sound of a dog.",
        "I cannot hear the sound of rain.",
        "I can't hear any other sounds.",
        "I'm unable to hear a dog.",
        "I am unable to detect any music.",
        "I'm not able to hear a train here.",
        "No, I'm afraid there is no dog.",
        "I'm afraid I can't hear a dog.",
        "I don't hear a dog.",
        "I can't help but notice a cow.",
        "A cow is unable to stop.",
        "A phone buzzes as a text message arrives.",
        "A voice as of a machine, such as an AI assistant.",
        "People apologize to each other.",
        'A man says "I\'m sorry".',
        "A woman says “I don’t know, please provide more.”",
        "The clips don't have any dogs.",
        "The recordings don't have any bird in them.",
        "A child cannot play the flute well.",
        "A sorry cow moos.",
        "Nobody is speaking.",
        "The cow cannot be heard well.",
        "A man asks for more time.",
        "I have access to a cow's moo.",
        "A cow moos without a dog.",
        "No audio of a dog is heard.",
    ],
)

REPETITIONS = table(
    form.repeats,
    [
        "A cow moos. A cow moos.",
        "A cow\nA cow",
        "1. A drum\n2. A drum",
        "a cow moos and a cow moos and a cow moos",
        "no, no, no, a dog",
        "No. No.",
        "Yes. Yes.",
        "I can hear a drum, a drum.",
        "It is a big cow a big cow here",
        "A cow and a cow and a cow.",
        "It is the the the cow",
        "moo moo moo moo moo moo moo",
        "electronic beep electronic beep",
        "There is a cow, there is a cow.",
        "A cow moos in the meadow, and moos in the meadow, and moos in the meadow.",
        "I hear a bell, I hear a bell ringing.",
        "First a cow first a cow.",
    ],
    [
        "A cow moos. A dog barks.",
        "Woof woof, says the dog.",
        "A dog goes woof woof woof.",
        '"Woof! Woof!" says the dog.',
        "Ha ha ha ha, a man laughs.",
        "A clock goes tick tock tick tock.",
        "A clock goes tick tock tick tock tick tock tick tock.",
        "A bell: ding dong ding dong.",
        "A horse goes clip clop clip clop.",
        "No dog and no cat and no cow.",
        "There is no sound of a dog, no sound of a cat and no sound of a cow.",
        "A cow, followed by a dog, followed by rain, followed by a bell.",
        "The first clip contains a cow, the second contains a dog, the third contains rain.",
        "First I can hear a cow, and then a dog, and then rain, and then a bell.",
        "I can hear a cow. I can hear a dog.",
        "A cow can be heard, a dog can be heard, and rain can be heard.",
        "A flute is playing in a hall, a drum is playing in a hall.",
        "Knock knock knock.",
        "1. A cow\n2. A dog\n3. A bell",
        "Bang, bang, bang and bang.",
    ],
)

LENGTHS = [
    *table(
        form.is_too_short,
        [
            *("Cow.", "A cow", "Yes.", "No", "", "a", "moo moo", "cow, dog", "- cow", "1. cow"),
            *("It moos", "I can't", "Moo!", "“A cow.”", "...", "dog’s bark"),
        ],
        [
            *(
                "A cow moos",
                "I hear cows",
                "cow, dog, rain",
                "1. A cow",
                "Yes, a cow.",
                "No dog here",
            ),
            *("It's a cow", "moo moo moo", "A cow and a dog", "There is rain.", "one two three"),
            *("Heard: a cow", "a b c", "A big cow.", "I can’t tell", "No, no cow."),
        ],
    ),
    *table(form.is_too_long, ["moo " * 81, "A cow. " * 41], ["moo " * 80, "", "A cow moos."]),
]

WRONG_LANGUAGE = table(
    form.is_in_wrong_language,
    [
        "Ich kann einen Hund bellen hören.",
        "Ein Hund bellt in der Ferne und ein Auto fährt vorbei.",
        "On entend un chien qui aboie au loin.",
        "Je peux entendre un chien et une voiture dans le clip.",
        "Se escucha un perro ladrando en el fondo.",
        "Puedo oír un perro y una guitarra en el clip.",
        "Um cachorro late e uma pessoa fala ao fundo.",
        "Eu posso ouvir um cão e uma guitarra.",
        "Si sente un cane che abbaia in lontananza.",
        "Ik hoor een hond blaffen op de achtergrond.",
        "Jag hör en hund som skäller.",
        "Jeg kan høre en hund som gjør.",
        "Słychać psa, który szczeka w oddali, oraz samochód.",
        "Saya bisa mendengar suara anjing dan mobil.",
        "Bir köpek ve bir kedi sesi var, çok uzak değil.",
        "Tôi có thể nghe tiếng chó sủa và tiếng xe.",
        "我能听到狗叫声。",
        "犬が吠えています。",
        "개가 짖는 소리가 들립니다.",
        "Слышно, как лает собака.",
        "يمكنني سماع نباح كلب.",
        "मैं एक कुत्ते को भौंकते हुए सुन सकता हूँ।",
        "I can hear 狗叫声 and rain.",
        "Ακούγεται ένας σκύλος.",
    ],
    [
        "Yes.",
        "No.",
        "Yes, a dog.",
        "A dog barks.",
        "Moo!",
        "I can hear a dog in the distance.",
        "There is no dog and no cat.",
        "Woof woof, ha ha ha, la la la.",
        "La la la, le lo la, do re mi fa so la ti do.",
        "A choir sings la la la le lo.",
        "A mariachi band plays La Cucaracha.",
        'A woman sings "El amor de mi vida no es para ti" in the clip.',
        "The song El amor de mi vida no es para ti is playing in the clip.",
        "A woman says “je ne sais pas, mais il est avec vous”.",
        "A man shouts 'Hola, ¿qué tal? Está muy bien' from the street.",
        "An oud, a djembe, a didgeridoo, a cajón and a güiro.",
        "Dvořák, Händel and Saint-Saëns are played.",
        "Beethoven's Für Elise is played on a piano.",
        "A train to Den Haag van Gogh museum passes.",
        "Dan and Ada hear a dog.",
        "808 beats, 120 bpm, 440 Hz.",
        "A tone of 5 µs at 10 kΩ.",
        "A man says привет to a dog in the street and walks away from it.",
        "Tick tock, clip clop, ding dong, nee naw.",
        "A die is cast, and a man in a hat was heard.",
        "cow, dog, cat, rain, violin, drum",
    ],
)


@pytest.mark.parametrize(
    ("check", "reply", "expected"),
    [*EMPTY, *MARKUP, *REFUSALS, *REPETITIONS, *LENGTHS, *WRONG_LANGUAGE],
)
def test_check(check: Predicate, reply: str, expected: bool) -> None:
    assert check(seed_prompt(), reply) is expected


def test_the_language_is_that_of_the_question() -> None:
    german = seed_prompt(question="Was ist in der Aufnahme zu hören, und was hört man nicht?")
    assert not form.is_in_wrong_language(german, "Ich kann einen Hund und eine Katze hören.")
    assert form.is_in_wrong_language(german, "I can hear a dog and a cat, but there is no bird.")
    short = seed_prompt(question="?")
    assert not form.is_in_wrong_language(short, "Ich kann einen Hund und eine Katze hören.")


def test_the_letters_are_those_of_the_question() -> None:
    chinese = seed_prompt(question="你能听到什么?")
    assert not form.is_in_wrong_language(chinese, "我能听到狗叫声。")
    assert not form.is_in_wrong_language(chinese, "我能听到 dog 的叫声。")
    assert not form.is_in_wrong_language(chinese, "dog")
    assert form.is_in_wrong_language(chinese, "I can hear a dog barking.")


def test_words_that_were_read_may_be_in_any_letters() -> None:
    row = seed_prompt(heard="كلب, 犬")
    assert not form.is_in_wrong_language(row, "I can hear كلب and 犬 in it.")
    assert form.is_in_wrong_language(row, "كلب 犬")
    assert form.is_in_wrong_language(seed_prompt(), "I can hear كلب كلب كلب كلب")


def test_several_clips_may_be_told_in_the_same_words() -> None:
    reply = "A cow grazes near here, a dog grazes near here, a pig grazes near here."
    assert form.repeats(seed_prompt(), reply)
    assert not form.repeats(seed_prompt(VIOLIN, VIOLIN, VIOLIN), reply)


@pytest.mark.parametrize(
    ("reply", "finish_reason", "expected"),
    [
        ("A cow moos.", "stop", None),
        ("A cow moos in the", "length", "truncated"),
        ("", "length", "empty"),
        ("", "error", "empty"),
        ("A cow moos. A cow moos.", "stop", "repeats"),
        ("A cow. [End of audio] [End of audio]", "stop", "echoes_evidence_markup"),
        ("Ich höre eine Kuh und einen Hund.", "stop", "wrong_language"),
        (
            "Es tut mir leid. I'm sorry, das ist nicht zu hören und ich kann es nicht.",
            "stop",
            "refuses",
        ),
    ],
)
def test_the_first_reason_counts(reply: str, finish_reason: str, expected: str | None) -> None:
    assert form.first_reason(form.FORM, seed_prompt(), reply, finish_reason) == expected


@given(st.text())
def test_any_reply_is_judged(reply: str) -> None:
    for _, check in form.FORM:
        assert check(seed_prompt(), reply) in (True, False)
