import pytest

from tests.unit.agents.personal.naming_sources import Model, named


@pytest.mark.parametrize(
    ("text", "person"),
    [
        ("Please call Maria Hernandez tomorrow", "Maria Hernandez"),
        ("please call maria hernandez tomorrow", "maria hernandez"),
        ("PLEASE CALL MARIA TODAY", "MARIA"),
        ("We met Ludwig van der Meer there", "Ludwig van der Meer"),
        ("We met Zanele Mthembu there", "Zanele Mthembu"),
        ("Ask Dr. Xyxyx about it", "Dr. Xyxyx"),
        ("Ask Prof. Dr. Xyxyx Jr., PhD about it", "Prof. Dr. Xyxyx Jr., PhD"),
        ("ask mr miller about it", "mr miller"),
        ("my name is xyxyx", "xyxyx"),
        ("My name is Xyxyx Blargon", "Xyxyx Blargon"),
        ("Name: Xyxyx", "Xyxyx"),
        ("customer_name = 'Xyxyx'", "Xyxyx"),
        ("Best regards,\nXyxyx", "Xyxyx"),
        ("Thanks, Xyxyx!", "Xyxyx"),
        ("We saw Will Miller", "Will Miller"),
        ("We saw Will Xyxyx", "Will Xyxyx"),
        ("I saw J. R. Whitcombe", "J. R. Whitcombe"),
        ("I spoke to Whitcombe Featherstone", "Whitcombe Featherstone"),
        ("Maria's phone is broken", "Maria"),
        ("its annes birthday", "annes"),
        ("anne wrote it", "anne"),
        ("I know Scott May well", "Scott May"),
        ("Is Jean-Luc here?", "Jean-Luc"),
        ("hey zyta!", "zyta"),
        ("I met Иван Петров in the lobby", "Иван Петров"),
        ("Contact: Carol Jenkins", "Carol Jenkins"),
        ("Familie Xyxyx hat geschrieben, wie immer", "Familie Xyxyx"),
        ("ask for Oom Xyxyx there", "Oom Xyxyx"),
        ("Xyxyx c/o Blargon, Box 7", "Blargon"),
        ("flight of XYXYX/ANNA MRS to Z", "XYXYX/ANNA"),
        ("Привет, меня зовут Иван Петров, я живу тут", "Иван Петров"),
        ("我叫陈小明, my parcel is late and I wait", "陈小明"),
        ("我叫陈小明", "陈小明"),
        ("私は山田太郎です", "山田太郎"),
        ("username: xyxyx", "xyxyx"),
        ('{"username":"blargon_x"}', "blargon_x"),
        ('failed for user "ledger_x"', "ledger_x"),
        ("usuario=blargon.mx", "blargon.mx"),
        ("my insta is @xyxyx.paints", "@xyxyx.paints"),
        ("discord is XyxyxCat#3636", "XyxyxCat#3636"),
        ("i am XyxyxCat#3636 there", "XyxyxCat#3636"),
        ("ticket closed by xyxyx_blr.", "xyxyx_blr"),
        ("made xyxyx_rides as my Strava name", "xyxyx_rides"),
        ("log in as nurse.xyxyx with it", "nurse.xyxyx"),
        ("my linkedin is under xyxyx-blargon-hr, ok", "xyxyx-blargon-hr"),
        ("@the.real.xyxyx on tiktok", "@the.real.xyxyx"),
        ("I am u/throwaway99 there", "throwaway99"),
        ("$ whoami\nxyxyx\n", "xyxyx"),
        ("- Maria: minutes", "Maria"),
        ("im jan", "jan"),
        ("SMITH, John; 3", "SMITH, John"),
        ("I saw Mary McDonald there", "Mary McDonald"),
        ("Please add Maria Hernandez as a guardian", "Maria Hernandez"),
        ("send maria hernandez bank details", "maria hernandez"),
        ("I met Maria I. Hernandez there", "Maria I. Hernandez"),
        ("What is your last name? Xyxyx", "Xyxyx"),
        ("It was Xyxyx and Hernandez who left", "Xyxyx"),
        ("We saw Maria, Xyxyx and Blargon leave", "Xyxyx"),
        ("We saw Maria, Xyxyx and Blargon leave", "Blargon"),
        ("We saw Xyxyx, Maria, Blargon and others", "Xyxyx"),
    ],
)
def test_finds_people_without_a_model(text: str, person: str):
    assert ("PERSON", person) in named(text)


@pytest.mark.parametrize(
    "text",
    [
        "How does Kafka keep the order of records?",
        "my name is required",
        "FULL NAME\tTOWN",
        "The Quick Start says: run make up.",
        "Please Review The Following Document Carefully.",
        "i will mark it, may i hope for grace",
        "customer_email and users.anna.length",
        "Dr.",
        "I paid a judge in full",
        "a judge said so",
        "Привет, как у Вас дела",
        "μια ωραία ημέρα",
        "user user_name and account of_mine",
        "login name: required",
        "sent by it and posted by 12_a",
        "Issue#1234",
        "the sum is Σ here",
        "x" * 50,
        "A B",
        "PLEASE MARK ALL ITEMS",
        "this is hope",
        "on",
        "please ask mr",
        "It is Kafka-free, says KafkaError",
        "it took 5 ms. Null is SHA",
        "We saw Bush Wells",
        "you can log in as administrator with it",
        "we use 2026 as the file name",
        "the card XXXX-XXXX-XXXX-9876 of XXXX",
    ],
)
def test_leaves_what_is_nobody(text: str):
    assert named(text) == []


def test_a_text_without_names_in_doubt_is_not_shown_to_the_model():
    model = Model()
    assert named("could you please send Maria Hernandez the weekly report by mail", model)
    assert named("what is the best way to learn rust?", model) == []
    assert model.asked == []


@pytest.mark.parametrize(("label", "kind"), [("PERSON", "PERSON"), ("GPE", "PLACE"), ("LOC", "PLACE"), ("ORG", "ORG")])
def test_what_is_in_doubt_the_model_decides(label: str, kind: str):
    model = Model(Xyxyx=label)
    assert named("Then came Xyxyx about it.", model) == [(kind, "Xyxyx")]
    assert model.asked == ["Then came Xyxyx about it . \n"]


@pytest.mark.parametrize("model", [Model(), Model(Xyxyx="CARDINAL"), Model(Then="PERSON")])
def test_what_the_model_does_not_name_is_left(model: Model):
    assert named("Then came Xyxyx about it.", model) == []


def test_the_model_may_know_more_of_the_name():
    class Both(Model):
        def __call__(self, words, spaces):
            at = words.index("Xyxyx")
            return [(at - 1, at + 1, "PERSON")]

    assert named("then came Mister Xyxyx so", Both()) == [("PERSON", "Mister Xyxyx")]
    assert named("then came mister Xyxyx so", Both()) == [("PERSON", "Xyxyx")]
    assert named("then came Python Xyxyx so", Both()) == [("PERSON", "Xyxyx")]


def test_the_model_is_shown_the_sentences_around_and_capitals_that_are_missing():
    model = Model()
    named("Nothing to see here. So came Xyxyx with zyta. Nothing more. Then came Blargon too.\nAnd so on", model)
    assert model.asked == ["So came Xyxyx with Zyta . \n Then came Blargon too . \n"]


def test_long_sentences_are_cut_around_the_doubt():
    model = Model()
    named("and so on " * 30 + "then came Xyxyx so " + "and so on " * 30 + "then came Blargon then came Zyxel so", model)
    [asked] = model.asked
    assert "Xyxyx" in asked
    assert "Blargon" in asked
    assert len(asked) < 400


def test_windows_that_overlap_are_one():
    model = Model()
    named("then came Xyxyx " + "and so on " * 9 + "then came Blargon at last", model)
    [asked] = model.asked
    assert asked.count("\n") == 1
    assert asked.count("so") == 9


def test_a_window_that_grows_too_wide_is_asked_in_parts():
    model = Model(Xyxyx="PERSON")
    assert named("then came Xyxyx so " * 24, model) == [("PERSON", "Xyxyx")] * 24
    [asked] = model.asked
    assert asked.count("Xyxyx") == 24
    assert asked.count("\n") == 2
    named("then came Xyxyx so " * 20, model)
    assert model.asked[-1].count("\n") == 1


def test_there_is_a_limit_to_what_the_model_reads_and_the_rest_is_taken_for_what_it_looks_like():
    model = Model()
    text = "".join(
        f"Then came Xyxy{chr(97 + n // 26)}{chr(97 + n % 26)} Blargon, later a Xyyz too.\n" for n in range(60)
    )
    found = named(text, model)
    assert len(model.asked[0].split()) < 400
    assert 0 < len(found) < 60
    assert all(name.endswith("Blargon") for _, name in found)


def test_companies_are_no_people():
    assert named("Miller & Sons Ltd has paid, so has the University of Bath") == [
        ("ORG", "Miller & Sons Ltd"),
        ("ORG", "University of Bath"),
    ]
    assert named("Maria Miller Inc") == [("ORG", "Maria Miller Inc")]
    assert named("Ltd. and University of and Bank of what") == []


@pytest.mark.parametrize(
    ("text", "person"),
    [
        ("my name is xyxyx blargon. ok", "xyxyx blargon"),
        ("my name is anna de la xyxyx, ok", "anna de la xyxyx"),
        ("thx\nxyxyx blargon\n", "xyxyx blargon"),
        ("Cheers,\nxyxyx", "xyxyx"),
        ("i saw Anna al-Xyxyx there", "Anna al-Xyxyx"),
        ("Patient: DE LA CRUZ, MARIA", "DE LA CRUZ, MARIA"),
        ("Garcia Lopez, Maria J. was here", "Garcia Lopez, Maria J"),
        ("ATTN SVETLANA XYXYXOVA UNIT 9", "SVETLANA XYXYXOVA"),
        ("is June Miller in today?", "June Miller"),
        ("i saw Rupert Vane there", "Rupert Vane"),
        ("first name hope", "hope"),
        ("# TODO(dieter.xyxyx): it", "dieter.xyxyx"),
        ("user henrik.larsen is out", "henrik.larsen"),
        ("@anna_miller88 it is", "anna_miller88"),
        ("user Anna.Stone is out", "Anna.Stone"),
    ],
)
def test_finds_names_by_what_frames_them(text: str, person: str):
    assert named(text) == [("PERSON", person)]


@pytest.mark.parametrize(
    "text",
    [
        "in June Miller Street closes",
        "the name will be there",
        "thanks\nit was good",
        "thanks\nprovided lunch",
        "thanks\nxyxyx (ok)",
        "ruby.length and anna_port",
        "open anna.json or anna.txt",
        "the Smith, please",
        "Smith, please come",
        "thanks\nxyxyx lunch",
        "thanks\nxyxyx it",
    ],
)
def test_leaves_what_only_looks_like_a_frame(text: str):
    assert [one for one in named(text) if one[0] == "PERSON"] == []


def test_who_was_named_is_found_again():
    assert named("my name is xyxyx blargon. tell xyxyx blargon that blargon called") == [
        ("PERSON", "xyxyx blargon"),
        ("PERSON", "xyxyx blargon"),
        ("PERSON", "blargon"),
    ]
    assert (
        named("My wife Hope is away. Hope returns then, as Hope. Hope you are well, i hope") == [("PERSON", "Hope")] * 3
    )
    assert named("My wife Hope is away, says Hope") == [("PERSON", "Hope")] * 2


@pytest.mark.parametrize(
    "text",
    [
        "hur byter jag språk i appen",
        "quanto costa la spedizione espressa?",
        "wie lange dauert der Versand normalerweise",
        "Rückruf kommt nicht, der Anschluss ist noch nicht da",
        "ca fait trois semaines que j'attends le colis",
        "deja la basura en el portal para ellos",
        "résume le chapitre pour nous",
    ],
)
def test_words_of_other_languages_are_no_names(text: str):
    """Lists of names have most of them; where all nouns have capitals, these say nothing."""
    assert named(text, Model(Versand="PERSON", Rückruf="PERSON", Anschluss="PERSON")) == []


@pytest.mark.parametrize(
    ("text", "person"),
    [
        ("Hallo, ich bin Xyxyx und warte noch", "Xyxyx"),
        ("ik ben Joke Xyxyx en ik wacht", "Joke Xyxyx"),
        ("mam na imie zyta i nie wiem", "zyta"),
        ("bitte auch an Maria schicken, nicht nur an mich", "Maria"),
        ("hej maria, kan ni ringa mig", "maria"),
        ("vengo con maria para eso", "maria"),
    ],
)
def test_names_in_other_languages(text: str, person: str):
    assert ("PERSON", person) in named(text)


def test_a_verb_behind_a_name_without_capitals_is_none():
    assert named("i asked anna will she come") == [("PERSON", "anna")]


@pytest.mark.parametrize(
    ("text", "people"),
    [
        ("On Tue, Jan 4, 2024 at 3:14 PM we said", []),
        ("Meeting on Jan 5", []),
        ("on 5 Jan we met", []),
        ("We had 3 Jan Peters", ["Jan Peters"]),
        ("I met Jan 5 days ago", ["Jan"]),
        ("so Jan was there", ["Jan"]),
        ("we move in jan, since jan it rains", []),
        ("Jan Peters moves in jan", ["Jan Peters"]),
        ("my daughter April was born in June", ["April"]),
        ("It is our little sister June, not in June", ["June"]),
        ("the daughter was born in April", []),
        ("we drive max 6h with max. 3 people", []),
        ("Please call Max 5 times", ["Max"]),
    ],
)
def test_a_month_is_nobody(text: str, people: list[str]):
    assert named(text) == [("PERSON", name) for name in people]
