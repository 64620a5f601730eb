"""What a text says of a sound: phrasings that affirm, deny, or take it for granted."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balsa_pipe.negation import denied_phrases, denies_everything, negated_mention, polarity
from balsa_pipe.text import mentions


@pytest.mark.parametrize(
    "text",
    [
        "The dog is not to be heard.",
        "There is neither barking nor a dog.",
        "The clip is neither a dog nor a cow.",
        "While rain can be heard, a dog and a cow can't.",
        "While rain can be heard, a cow and a dog can't.",
        "Rain can be heard, while a dog and a cow can't be.",
        "Although a cow moos, a dog does not bark.",
        "A cow is absent, and so is a dog.",
        "A cow isn't heard, and so is a dog absent.",
        "A cow is absent, as is a dog.",
        "Cows are missing, as are dogs.",
        "A cow is absent, as well as a dog.",
        "A cow can't be heard, nor can a dog.",
        "No cow is heard, nor is a dog.",
        "I hear no cow, nor a dog.",
        "A cow is not heard and neither is a dog.",
        "A cow isn't present, and a dog isn't either.",
        "There isn't any dog.",
        "There aren't any dogs.",
        "There ain't no dog.",
        "There's no dog in the rain.",
        "There is no barking or dog in this recording.",
        "The recording is free from dogs.",
        "The recording is void of any dogs.",
        "The audio is dog-free.",
        "The audio is free of any dog sounds.",
        "The dog is nowhere to be found.",
        "The clip lacks any dog.",
        "The clip is lacking a dog.",
        "The clip is lacking in dogs.",
        "The absence of a dog is notable.",
        "An absence of dogs characterises the clip.",
        "In the absence of a dog, a cow moos.",
        "The dog's absence is notable.",
        "A complete lack of dogs.",
        "There is never a dog.",
        "None of the sounds is a dog.",
        "None of the sounds are dogs.",
        "Not one dog barks.",
        "Nobody walks a dog.",
        "No one is walking a dog.",
        "Zero dogs bark.",
        "At no point does a dog bark.",
        "At no time is a dog heard.",
        "Nowhere is a dog heard.",
        "Nowhere in the clip can a dog be heard.",
        "Not a single dog can be heard.",
        "Not once does a dog bark.",
        "I hear a cow rather than a dog.",
        "I hear a cow instead of a dog.",
        "A cow is heard, not the dog.",
        "It's a cow and not a dog.",
        "It is a cow, rather than a dog, that moos.",
        "I do not believe there is a dog.",
        "I don't think that a dog is in the clip.",
        "I doubt that there is a dog.",
        "It is unlikely that there is a dog.",
        "A dog is unlikely to be in the clip.",
        "There is hardly a dog to be heard.",
        "Hardly any dog can be heard.",
        "Everything apart from a dog can be heard.",
        "All sounds besides a dog are there.",
        "All but a dog is heard.",
        "The clip has everything except the dog.",
        "THERE IS NO DOG.",
        "There is no “dog” in the clip.",
        "There is no 'dog' in the clip.",
        'There is no "dog".',
        '"Dog" is not in the clip.',
        "The sound of a dog isn’t in this clip.",
        "The sound of a dog isn't in this clip.",
        "The sound of dog is not one of those in the audio.",
        "The sound of dog is not among those in the audio.",
        "The dog sound does not occur in the clip.",
        "The sound of a dog never comes up.",
        "The sound of a dog doesn't come up anywhere.",
        "You won't hear a dog.",
        "You will not hear a dog.",
        "One would not hear a dog.",
        "A listener couldn't make out any dog.",
        "It isn't right to say that a dog can be heard.",
        "It is not right to say that a dog can be heard.",
        "It's not true that there is a dog.",
        "It is false that a dog barks.",
        "This is not one of the recordings with a dog.",
        "This isn't a dog.",
        "That's not a dog.",
        "This is no dog.",
        "The dog you asked about isn't there.",
        "What I can't hear is a dog.",
        "What cannot be heard is a dog.",
        "What's missing is a dog.",
        "Sounds like a dog or a cow are absent.",
        "Sounds such as a dog can't be heard.",
        "There are no sounds such as a dog or a cow.",
        "There is no sound from a dog.",
        "The dog remains silent.",
        "The dog stays silent.",
        "The dog is silent.",
        "No dog or other animal can be heard.",
        "No cow, no dog, no train.",
        "No cow or train or dog.",
        "No cows, trains, or dogs are there.",
        "Not a cow, not a train, not a dog.",
        "A dog? No.",
        "Dog: absent.",
        "Dog: none.",
        "Dog: no, cow: yes.",
        "Dog - no.",
        "Dogs can't be heard, only cows.",
        "A dog isn't heard, just a cow.",
        "A dog could not be detected.",
        "I could not detect a dog.",
        "I did not notice a dog.",
        "I didn't pick up a dog.",
        "I see no evidence of a dog.",
        "There's no trace of a dog.",
        "There is no hint of a dog.",
        "There's nothing like a dog.",
        "Nothing here sounds like a dog.",
        "Nothing resembles a dog.",
        "Nothing suggests a dog.",
        "The clip doesn't feature a cow, a train or a dog.",
        "The clip features neither a cow nor a dog.",
        "Excluding a dog, the clip has all sounds.",
        "A cow can be heard, but a dog can't.",
        "A cow can be heard but a dog can not.",
        "A cow can be heard, a dog cannot.",
        "A cow is present, a dog absent.",
        "A cow is present; a dog is not.",
        "A cow is there, a dog isn't.",
        "Unlike a cow, a dog is not heard.",
        "The dog isn't present, whereas the cow is.",
        "The dog isn't present, though a cow is.",
        "A cow without a dog.",
        "A cow moos with no dog.",
        "There are cows, though no dogs.",
        "There are cows yet no dogs.",
        "The clip does not contain a dog, but a cow.",
        "I can't hear either a cow or a dog.",
        "I can't hear cows, dogs, or trains in this clip.",
        "The sound of a dog is absent from the recording, which has a cow.",
        "Missing from the clip is a dog.",
        "Absent from the clip are a cow and a dog.",
        "Also absent is a dog.",
        "Not present is a dog.",
        "Also missing: a dog.",
        "A dog would be wrong to claim.",
        "It would be false to claim that a dog barks.",
        "No dog-like sounds.",
        "There is not any dog noise, only rain.",
        "The dog's barking is not audible.",
        "There's no dog's barking here.",
        "Aside from a cow, there is no dog.",
        "Apart from rain, no dog can be heard.",
        "Except for a cow, no dog is heard.",
        "Other than the cow, there are no dogs.",
        "There is only a cow, no dog.",
        "Only a cow, and not a dog, can be heard.",
        "The absent sounds are a cow and a dog.",
        "The missing sound is a dog.",
        "The sound that is missing is a dog.",
        "The sounds not in the clip are a cow and a dog.",
        "Sounds not heard include a dog.",
        "The audio has no cow, or dog, or rain.",
        "Contrary to what you say, there is no dog.",
        "I heard no dogs bark.",
        "A dog does not make a sound.",
        "A dog doesn't make any noise.",
        "The dog has not barked.",
        "The dog hasn't barked.",
        "There was no dog.",
        "There wasn't any dog.",
        "There has been no dog.",
        "There haven't been any dogs.",
        "There had been no dog.",
        "It doesn't sound like a dog.",
        "It does not sound as if a dog were there.",
        "The dog didn't bark.",
        "A dog is excluded.",
        "Dogs are not part of this.",
        "A dog is not part of what is played.",
        "A dog isn't one of the sounds.",
    ],
)
def test_a_dog_is_denied(text: str) -> None:
    assert polarity(text, "dog") == "absent"


@pytest.mark.parametrize(
    "text",
    [
        "The dog is not absent.",
        "A dog isn't absent.",
        "A dog is not missing.",
        "A dog isn't missing from the clip.",
        "The dog isn't silent.",
        "The dog is never silent.",
        "The dog isn't quiet.",
        "The dog is not quiet at all.",
        "The dog isn't inaudible.",
        "The dog's bark isn't far away.",
        "The barking dog isn't soft.",
        "The dog is not faint.",
        "The dog is not in the distance.",
        "The dog doesn't go away.",
        "The dog isn't drowned out by the rain.",
        "The rain doesn't drown out the dog.",
        "The dog does not drown out the rain.",
        "The rain does not mask the dog.",
        "The dog won't stop barking.",
        "The dog does not cease to bark.",
        "The dog does not let up.",
        "The dog keeps barking without a break.",
        "The dog barks without interruption.",
        "The dog barks without end.",
        "There is no lack of dogs.",
        "There is no absence of dogs.",
        "There is no shortage of dogs.",
        "The clip doesn't lack a dog.",
        "The clip does not lack a dog.",
        "The clip isn't free of dogs.",
        "The clip is not without a dog.",
        "The clip is not devoid of dogs.",
        "I can't miss the dog.",
        "There's no mistaking the dog.",
        "There is no denying the dog.",
        "It is hard not to hear the dog.",
        "You cannot fail to hear the dog.",
        "It doesn't fail to feature a dog.",
        "A dog is heard, not just once.",
        "The dog isn't just barking, it is howling.",
        "Not only does a dog bark, but a cow moos too.",
        "Not only rain but also a dog is heard.",
        "Not just a cow, but a dog too.",
        "There is more than just a dog.",
        "There is nothing but a dog.",
        "Nothing but a dog is heard.",
        "No sound other than a dog is heard.",
        "No sound other than a dog.",
        "No sounds other than a dog and rain can be heard.",
        "No sound but a dog's bark.",
        "There is no sound except for the dog.",
        "There's no sound apart from the dog.",
        "There is no sound besides the dog.",
        "No one but a dog is heard.",
        "I hear no cow, only a dog.",
        "I hear no cow but I do hear a dog.",
        "It isn't a cow but a dog.",
        "It is not a cow; it's a dog.",
        "It isn't a cow, but rather a dog.",
        "Rather than a cow, a dog is heard.",
        "Rather than a cow, it is a dog.",
        "Instead of a cow, I hear a dog.",
        "A dog instead of a cow.",
        "A dog rather than a cow.",
        "A dog, rather than a cow, barks.",
        "A dog and not a cow.",
        "A dog, but no cow.",
        "A dog but not a cow.",
        "A dog with no cow.",
        "A dog without a cow.",
        "Without any cow, a dog barks.",
        "With no cow around, a dog barks.",
        "A dog barks while no cow moos.",
        "Although no cow moos, a dog barks.",
        "Though there is no cow, there is a dog.",
        "While there's no cow, there's a dog.",
        "While no cow can be heard, a dog and a train can.",
        "There is no cow, whereas a dog is heard.",
        "Unlike the cow, the dog is heard.",
        "The cow is absent, unlike the dog.",
        "The cow isn't heard, unlike the dog.",
        "The cow is missing but the dog is not.",
        "The cow is absent, the dog isn't.",
        "The dog is present, the cow absent.",
        "A dog is there, and so is rain.",
        "Dog: present, cow: absent.",
        "Dog yes, cow no.",
        "I can't say whether there is a cow, but there is a dog.",
        "I'm not sure about a cow, but a dog barks.",
        "There may be no cow, yet a dog barks.",
        "A dog barks in a room that has no echo.",
        "The dog barks, and nothing else is heard.",
        "The dog barks and nothing else can be heard.",
        "Nothing else can be heard besides the dog.",
        "Only a dog is heard, nothing more.",
        "Just a dog, no other sounds.",
        "A dog, and no other sound.",
        "A dog alone, with nothing else.",
        "The only sound is a dog, not a cow.",
        "The dog is the only sound that isn't absent.",
        "There's no doubt a dog barks.",
        "Without a doubt, a dog barks.",
        "No doubt there's a dog.",
        "A dog barks, no question.",
        "No question about it, a dog barks.",
        "A dog can be heard, can't it?",
        "The dog is not alone: a cow moos.",
        "It is none other than a dog.",
        "This is none other than a dog.",
        "The dog is heard no less than the cow.",
        "The dog barks no more than twice.",
        "The dog barks not once but twice.",
        "The dog barks not far from the cow.",
        "The dog barks at no one in particular.",
        "The dog barks for no reason.",
        "A dog barks nonstop.",
        "A dog barks non-stop.",
        "It's not unlike a dog.",
        "A dog isn't unusual here, it barks.",
        "Never have I heard such a loud dog.",
        "I've never heard a louder dog.",
        "The dog couldn't be louder.",
        "The dog couldn't be clearer.",
        "The dog is heard as clearly as can be, the cow is not.",
        "A dog is not the only thing heard.",
        "A dog's not the only sound.",
        "It's no cow but a dog.",
        "DOGS BARK, NO COW.",
        "A cow is not heard, but dogs are.",
        "A cow is not heard, dogs are.",
        "Cows aren't heard but dogs are.",
        "A cow isn't there. Instead, a dog barks.",
        "A cow isn't there; instead there's a dog.",
        "Is there a cow? No, but there is a dog.",
        "There isn't a cow, it is a dog.",
        "I can't hear a cow because a dog is barking.",
        "I can't hear the cow since a dog barks.",
        "The cow is inaudible over the dog.",
        "A dog barks before the clip falls silent.",
        "A dog barks, then there is silence.",
        "A dog barks and then falls silent.",
        "A dog barks, then no more sound is heard.",
        "A dog barks until it can't be heard anymore.",
        "A dog barks and it can't be overheard.",
        "The dog barks so loud that nothing else can be heard.",
        "The dog barks so loud that a cow can't be heard.",
        "Present are a dog and rain; absent are cows.",
        "The cow doesn't cover the dog.",
        "No dog is missing.",
        "No cow and no dog are not in this clip.",
        "No dog is not possible.",
        "I can't rule out a dog.",
        "A dog can't be ruled out.",
    ],
)
def test_a_dog_is_affirmed(text: str) -> None:
    assert polarity(text, "dog") == "present"
    assert not negated_mention(text, "dog")


@pytest.mark.parametrize(
    "text",
    [
        "There is no cow in the dog house.",
        "There is no cow with the dog.",
        "No cow is near the dog.",
        "There is no sound of a cow behind the dog.",
        "No other dog can be heard.",
        "There are no more dogs.",
        "I can't hear any other dogs.",
        "I can't hear the cow over the dog.",
        "No cow can be heard over the barking dog.",
    ],
)
def test_a_dog_is_taken_for_granted(text: str) -> None:
    assert polarity(text, "dog") is None


@pytest.mark.parametrize(
    "text",
    [
        "There is no dog in the clip.",
        "I can't hear a cow or a dog.",
        "I can’t hear any dogs.",
        "I cannot hear a dog.",
        "The clip does not contain a dog.",
        "Neither a dog nor a cow can be heard.",
        "Neither a cow nor a dog can be heard.",
        "A train passes without a dog barking.",
        "The clip is free of dogs.",
        "It lacks a dog.",
        "There is an absence of dogs.",
        "A dog is not heard.",
        "A dog and a cow are not present.",
        "The dog is absent.",
        "The dog is completely missing.",
        "A dog cannot be heard.",
        "A dog isn't there.",
        "A cow, not a dog.",
        "A cow instead of a dog.",
        "A cow rather than a dog.",
        "Absent: cow, dog.",
        "Missing sounds are a cow and a dog.",
        "In this clip, the missing sounds are a cow and a dog.",
        "What is missing is a dog.",
        "Sounds that are absent include a dog.",
        "I can rule out a cow and a dog.",
        "A cow or a dog can be ruled out.",
        "No, there is no dog, only a cow.",
        "No dog, cow, or train can be heard.",
        "A cow is mooing and there is no dog.",
        "A cow is mooing, but not a dog.",
        "I hear a cow; no dog.",
        "I can't hear anything like a dog.",
        "I can`t hear a dog.",
        "I cant hear a dog.",
        "There is no sign of a dog.",
        "There is not a single dog.",
        "There isn't a cow or a dog.",
        "I don't hear any cow and a dog in this clip.",
        "A cow is heard without any dog.",
        "A cow, as opposed to a dog, is heard.",
        "Instead of a dog, a cow is heard.",
        "Rather than a dog, I can hear a cow.",
        "The clip is dog-free.",
        "The clip is devoid of dogs.",
        "The recording fails to include a dog.",
        "I failed to hear a dog.",
        "I am unable to hear a dog.",
        "It excludes dogs.",
        "Dogs are absent.",
        "A dog, a cow and a train are absent.",
        "A dog is nowhere to be heard.",
        "A dog is no longer heard.",
        "A cow moos and a dog isn't heard.",
        "A cow moos, and no dog can be heard.",
        "The cow moos loudly, but there is no dog.",
        "Everything but a dog can be heard.",
        "I can hear everything except a dog.",
        "Is there a dog? No, there is no dog.",
        "Not heard: cow, dog.",
        "Present: cow. Absent: dog.",
        "Present: cow, absent: dog",
        "**Present:** cow\n**Not present:** dog",
        "Sounds that are absent from the clip: a cow, a dog.",
        "Sounds that are not present:\n1. Cow\n2. Dog",
        "Sounds not present in the audio:\n\n- **Cow**\n- **Dog**",
        "Missing:\n* a cow\n* a dog",
        "- No cow\n- No dog",
        "Cow: yes. Dog: no.",
        "Dog: not heard",
        "Dog – absent",
        "A dog barking and a cow mooing are not present.",
        "It is not only a dog that is missing.",
        "It's not a dog, it's a cow.",
        "It is not a dog, rather a cow.",
        "There is zero dog sound here.",
        "There is a lack of dogs.",
        "Neither cows nor dogs bark, moo or howl.",
        "A dog makes no sound in this clip.",
        "A cow's moo and a dog's bark are absent.",
        "The dog's bark isn't heard.",
        "The cow and the dog are the sounds that are not heard.",
        "A dog and a cow are among the sounds that aren't there.",
        "A cow, a dog - both absent.",
        "A train is in the clip, dog and cow are not in the clip.",
        "A dog is no part of it.",
        "It would be wrong to claim that I hear a dog.",
        "One would listen in vain for a dog.",
        "I confirm a cow and deny a dog.",
    ],
)
def test_polarity_of_a_denied_sound(text: str) -> None:
    assert polarity(text, "dog") == "absent"
    assert negated_mention(text, "dog")


@pytest.mark.parametrize(
    "text",
    [
        "A dog barks.",
        "Dogs are barking.",
        "No, a dog barks.",  # the verdict is another matter
        "No cow, but a dog.",
        "There is no cow, just a dog.",
        "There is no cow, only a dog.",
        "There are no sounds other than a dog.",
        "Nothing except a dog is heard.",
        "Not only a cow but also a dog.",
        "I can't hear a cow. A dog barks.",
        "No cow can be heard while a dog barks.",
        "A cow is absent and a dog is heard.",
        "I can hear a dog, and there is no cow.",
        "A dog is heard and a cow is not.",
        "I can hear a dog with no cow near it.",
        "A dog is barking\nno cow",
        "I can't rule out a dog.",
        "A dog cannot be ruled out.",
        "I hear only a dog.",
        "I can't hear anything except a dog.",
        "I can't hear anything but a dog.",
        "Except for a dog, I can't hear anything.",
        "Apart from a dog, nothing is heard.",
        "Besides a dog, there is no other sound.",
        "There is nothing more than a dog.",
        "There is no cow, merely a dog.",
        "It is not a cow, rather a dog.",
        "It's not a cow, it's a dog.",
        "Instead of a cow, a dog is heard.",
        "Instead of a cow there is a dog.",
        "An engine roars, almost making a dog inaudible.",
        "Instead of a cow, someone plays with a dog.",
        "Without a cow, a dog can be heard.",
        "It's not just a dog, it's also a cow.",
        "A dog is not only barking but also howling.",
        "A dog isn't the only animal.",
        "A dog is not alone.",
        "The dog is not very loud.",
        "The dog doesn't stop barking.",
        "A dog never stops barking.",
        "A dog barks without pausing.",
        "I can't help but hear a dog.",
        "There's no doubt that a dog barks.",
        "You can't miss the dog.",
        "A dog barks and a cow isn't heard.",
        "A dog barks, a cow can't be heard.",
        "Dogs bark, and cows can't be heard.",
        "There is no cow, and a dog barks.",
        "There is no cow and a loud dog barks.",
        "There is no cow when a dog barks.",
        "No cow is heard after a dog barks.",
        "No cow can be heard, with a dog in the background.",
        "A dog barks at something that isn't clear.",
        "Is it a cow? No, it is a dog.",
        "No. A dog barks.",
        "No - there is a dog.",
        "Present: dog, train. Absent: cow.",
        "Present: dog, absent: cow",
        "Sounds that are absent:\n1. Cow\n\nSounds that are present:\n1. Dog",
        "Cow: no. Dog: yes.",
        "A dog, not a cow, is heard.",
        "A dog (and not a cow) can be heard.",
        "A dog barks as loud as no cow could.",
        "No cow could be as loud, yet a dog is.",
        "While no cow is heard, a dog is.",
        "Dogs can be heard, and not cows.",
        "I can hear a dog with no other sounds.",
        "A dog, a train and rain.",
        "I can't deny that there is a dog.",
        "A dog's bark is heard and a cow's moo isn't.",
        "I hear a train, a dog, and cows are not heard.",
        "I confirm a dog and deny a cow.",
    ],
)
def test_polarity_of_an_affirmed_sound(text: str) -> None:
    assert polarity(text, "dog") == "present"
    assert not negated_mention(text, "dog")


@pytest.mark.parametrize(
    "text", ["", "A cow.", "No cow.", "Yes.", "No other dog is heard.", "Is it a dog? Yes."]
)
def test_polarity_of_a_sound_that_is_not_judged(text: str) -> None:
    assert polarity(text, "dog") is None
    assert not negated_mention(text, "dog")


@pytest.mark.parametrize(
    "text",
    [
        "A dog, a cow.",
        "Cow, dog, train",
        "1. Cow\n2. Dog",
        "- a dog barking\n- a cow mooing",
        "Dog",
        "The sound of a dog.",
    ],
)
def test_a_bare_list_means_what_is_asked_for(text: str) -> None:
    assert polarity(text, "dog", bare="absent") == "absent"
    assert negated_mention(text, "dog", bare="absent")
    assert polarity(text, "dog") == "present"


@pytest.mark.parametrize(
    "text",
    [
        "A dog is heard.",
        "A dog barks.",
        "I hear a cow and a dog.",
        "Only a dog.",
        "No cow, but a dog.",
        "Present: cow, dog.",
    ],
)
def test_a_sentence_is_no_bare_list(text: str) -> None:
    assert polarity(text, "dog", bare="absent") == "present"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I can't hear a big dog or a steam train.", [("big", "dog"), ("steam", "train")]),
        ("No dog barking, no cat.", [("dog", "barking"), ("cat",)]),
        ("A cow moos, but there is no dog.", [("dog",)]),
        ("No other animals, no dog.", [("dog",)]),
        ("A dog is not heard.", [("dog",)]),
        ("A dog and a cow are absent.", [("dog",), ("cow",)]),
        ("Dog, steam train", [("dog",), ("steam", "train")]),
        ("A dog is heard.", []),
        ("Nothing but a dog.", []),
        ("", []),
    ],
)
def test_denied_phrases(text: str, expected: list[tuple[str, ...]]) -> None:
    assert denied_phrases(text, bare="absent") == expected


def test_a_label_may_hold_an_and() -> None:
    assert polarity("No rock and roll is played.", "Rock and roll") == "absent"
    assert polarity("A band plays rock and roll.", "Rock and roll") == "present"


def test_a_sound_affirmed_and_denied_is_present_but_the_denial_is_seen() -> None:
    text = "A dog barks. There is no dog."
    assert polarity(text, "dog") == "present"
    assert negated_mention(text, "dog")


@given(st.text(), st.text(string.ascii_letters + " ,_()", max_size=20))
def test_any_text_has_a_polarity_exactly_of_what_it_mentions(text: str, sound: str) -> None:
    if polarity(text, sound) is not None:
        assert mentions(text, sound)
    if negated_mention(text, sound):
        assert mentions(text, sound)


@pytest.mark.parametrize(
    "text",
    [
        "There are no sounds in the clip.",
        "There is no sound.",
        "There's no sound in this recording.",
        "Nothing can be heard.",
        "Nothing is heard in the clip.",
        "I can't hear anything.",
        "I can't hear any sounds.",
        "I hear nothing.",
        "I do not hear any sound in this clip.",
        "The clip is silent.",
        "The recording is completely silent.",
        "There is silence.",
        "There is only silence.",
        "There isn't any sound.",
        "No sounds are heard.",
        "No sound can be heard in the audio.",
        "No sound is present.",
        "Not a sound is heard.",
        "There is nothing to hear.",
        "There is nothing to be heard here.",
        "The clip contains no sounds.",
        "The clip has no sound at all.",
        "The audio does not contain any sounds.",
        "Yes, there are no sounds in the clip.",
        "No, there is no sound in the clip.",
        "Nothing is audible.",
        "There is absolutely nothing.",
        "A dog barks. There are no sounds.",
        "Zero sounds are heard.",
    ],
)
def test_everything_is_denied(text: str) -> None:
    assert denies_everything(text)


@pytest.mark.parametrize(
    "text",
    [
        "There are no other sounds in the clip.",
        "Nothing else can be heard.",
        "There is nothing but rain.",
        "No sound other than rain is heard.",
        "I can't hear the sound.",
        "I can't hear that sound.",
        "There is no such sound.",
        "There is no sound of it.",
        "There is no sound of a dog.",
        "There is no dog sound.",
        "No animal sounds are heard.",
        "I can't hear anything but a dog.",
        "I can't hear anything like it.",
        "Nothing is missing.",
        "Nothing is absent.",
        "No sound is absent.",
        "The clip isn't silent.",
        "It is not silent.",
        "It is silent.",
        "The dog is silent.",
        "There are no loud sounds.",
        "No sounds in the background.",
        "There is no sound from the dog.",
        "I hear a sound.",
        "There is a sound in the clip.",
        "The sound is present.",
        "The sound is not present.",
        "The sound isn't in the clip.",
        "No.",
        "Yes.",
        "Nothing.",
        "Apart from a dog, nothing is heard.",
        "A dog barks in the silence.",
        "A dog breaks the silence.",
        "Is there no sound?",
        "No, I can't hear it.",
        "There is no sound except for a dog.",
        "It is not a sound in the clip.",
        "There are no sounds such as a dog's.",
    ],
)
def test_not_everything_is_denied(text: str) -> None:
    assert not denies_everything(text)


DENIALS = [
    "There is no {}.",
    "I can't hear any {} or {}.",
    "Neither a {} nor a {} is heard.",
    "No {}, no {}.",
    "The {} is absent, and so is the {}.",
    "A {} and a {} can't be heard.",
    "The clip has no {}, {} or {}.",
    "The recording is free of any {} or {}.",
    "It lacks a {} and a {}.",
    "The {} isn't there, and neither is the {}.",
    "No sound of a {} is present.",
]
AFFIRMATIONS = [
    "A {} is heard.",
    "I can hear a {} and a {}.",
    "A {}, a {} and a {}.",
    "There is nothing but a {}.",
    "Not only a {} but also a {} is there.",
    "The {} isn't quiet.",
    "The {} is not absent.",
    "No sound other than a {} is heard.",
    "The {} does not drown out the {}.",
]
NOUNS = st.permutations(["dog", "train", "violin", "hen", "clarinet", "bee"])


@given(NOUNS, st.sampled_from(DENIALS), st.sampled_from(AFFIRMATIONS), st.booleans())
def test_two_sentences_say_what_each_says(
    nouns: list[str], denial: str, affirmation: str, swap: bool
) -> None:
    sentences = [denial.format(*nouns[:3]), affirmation.format(*nouns[3:])]
    text = " ".join(sentences[:: -1 if swap else 1])
    for noun in nouns[: denial.count("{}")]:
        assert polarity(text, noun) == "absent"
    for noun in nouns[3 : 3 + affirmation.count("{}")]:
        assert polarity(text, noun) == "present"
        assert not negated_mention(text, noun)


SPLICES = ["{}, but {}.", "{}, while {}.", "{}; {}.", "{}, although {}.", "{}, whereas {}."]
DENIED_CLAUSES = ["there is no {}", "a {} can't be heard", "the {} is absent", "no {} is heard"]
AFFIRMED_CLAUSES = ["a {} is heard", "there is a {}", "I can hear the {}", "the {} is loud"]


@given(
    NOUNS,
    st.sampled_from(SPLICES),
    st.sampled_from(DENIED_CLAUSES),
    st.sampled_from(AFFIRMED_CLAUSES),
    st.booleans(),
)
def test_two_clauses_say_what_each_says(
    nouns: list[str], splice: str, denied: str, affirmed: str, swap: bool
) -> None:
    said = [denied.format(nouns[0]), affirmed.format(nouns[1])]
    text = splice.format(*said[:: -1 if swap else 1])
    assert polarity(text, nouns[0]) == "absent"
    assert polarity(text, nouns[1]) == "present"
    assert not negated_mention(text, nouns[1])


@given(
    NOUNS,
    st.sampled_from(["While", "Although", "Even though", "Whereas"]),
    st.sampled_from(DENIED_CLAUSES),
    st.sampled_from(AFFIRMED_CLAUSES),
    st.booleans(),
)
def test_a_clause_in_front_says_what_it_says(
    nouns: list[str], opening: str, denied: str, affirmed: str, swap: bool
) -> None:
    said = [denied.format(nouns[0]), affirmed.format(nouns[1])]
    one, other = said[:: -1 if swap else 1]
    text = f"{opening} {one}, {other}."
    assert polarity(text, nouns[0]) == "absent"
    assert polarity(text, nouns[1]) == "present"
