"""Letters of other scripts that look like Latin ones (after Unicode's confusables, UTS 39)."""

_CYRILLIC = ("аеорсухіјѕһԁԛԝӏвкмнтАВЕКМНОРСТУХІЈЅԌԚԜӀ", "aeopcyxijshdqwlbkmhtABEKMHOPCTYXIJSGQWI")  # nosecret
_GREEK = ("αεικνορτυχωΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "aeikvoptuxwABEZHIKMNOPTYX")  # nosecret
_ARMENIAN = ("օսոցհյզլ", "ouughjql")
_CAPITALS = ("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnoprstuvwyz")  # nosecret
_LATIN = ("\u0131\u0251\u0261", "iag")

IN_MIXED_WORDS = str.maketrans(
    "".join(a for a, _ in (_CYRILLIC, _GREEK, _ARMENIAN)), "".join(b for _, b in (_CYRILLIC, _GREEK, _ARMENIAN))
)
"""Only where Latin letters or digits stand in the same word: a Russian word is no Latin one."""
ALWAYS = str.maketrans("".join(a for a, _ in (_CAPITALS, _LATIN)), "".join(b for _, b in (_CAPITALS, _LATIN)))
"""Small capitals, letters without their dot."""
