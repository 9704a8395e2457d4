"""Phrases before names of people and of places. Folded, see `listed.fold`."""

from agents.personal.named.phrases import phrases

SAYS_NAME = phrases(
    "my [full|first|last|given|maiden|middle|real|legal|nick] (name|surname|nickname) [is|was]",
    "(his|her|their|your|whose|the) [first|last|full|given] (name|surname) (is|was)",
    """(full|first|last|given|maiden|middle|family|customer|patient|client|employee|contact|account|cardholder|holder
    |guest|passenger|sender|recipient|author|owner|tenant|student|display|beneficiary|payee|driver) name [is]""",
    "(name|surname|firstname|lastname|fullname|nicknamed|nee|call me|calls me|known as|born as|am called|is called)",
    "(ich heisse|er heisst|sie heisst|mein name [ist]|vorname|nachname|name ist)",
    "(je m appelle|je mappelle|je m'appelle|il s appelle|elle s appelle|mon nom est|nom|prenom)",
    "(me llamo|se llama|mi nombre es|nombre|apellido|apellidos|mi chiamo|si chiama|il mio nome e|nome|cognome)",
    "(meu nome e|me chamo|chamo me|mijn naam is|ik heet|naam|achternaam|voornaam|nazywam sie)",
    "(mam na imie|imie|nazwisko)",
    "(jag heter|jeg heter|jeg hedder|mitt namn ar|nimeni on|jmenuji se|jmeno|ma numesc|numele meu este)",
)
"""Behind these a name stands, whatever it looks like."""

STATES_NAME = phrases(
    "my [full|first|last|given|maiden|middle|real|legal] (name|surname) is; (first|given|last|middle) name [is]",
    "(his|her|their) (name|surname) is; (firstname|surname|vorname|nachname|prenom|nombre|apellido|nome|cognome)",
    "(me llamo|mi chiamo|ich heisse|mein name ist|je m'appelle|mi nombre es|meu nome e|jag heter|ik heet)",
)
"""Of these, those behind which a word is one, too, if there are people who are called like it."""

CLOSES = phrases(
    "(regards|wishes|sincerely|yours|truly|faithfully|best|love|thanks|thank you|thx|ty|cheers|xoxo|respectfully)",
    "(grusse|grussen|gruss|cordialement|bien a vous|saludos|saluti|abraco|groeten|groetjes|pozdrawiam|mvh|hilsen)",
    "(halsningar|terveisin|udvozlettel|atentamente|un saludo|merci|danke|gracias|grazie|obrigado|obrigada|bisous)",
)
"""At the end of a letter: the next line is who wrote it."""

BRINGS_NAME = phrases(
    "(im|i am|this is|it is|its|it was|that is|that was|hi|hello|hey|heya|hiya|yo|dear|thanks|thank you|thx)",
    "(ty|cheers)",
    "(regards|wishes|sincerely|yours|truly|faithfully|best|love|signed|by|ask for|attn|attention|contact|meet|met)",
    "with",
    "(speak|speaking|talk|talked|talking|spoke|spoken) (to|with)",
    "(tell|told|ask|asked|call|called|text|email|phone|ping|message|invite|saw|see|seen|know|knows|knew|named|says|said)",
    """(author|authors|customer|client|patient|employee|manager|boss|colleague|friend|brother|sister|mother|father|mom
    |mum|dad|son|daughter|wife|husband|partner|neighbour|neighbor|teacher|nurse|landlord|cousin|nephew|niece|assistant
    |passenger|guest|applicant|candidate|tenant|student|member|owner|assignee|reporter|reviewer|sender|recipient
    |employer|lawyer|driver|child|kid|baby|roommate|coworker|team lead|supervisor|resident|holder|beneficiary)""",
    "(to|cc|bcc|from|and|or|for|between|via|is|was|that|if|when|because|where|did|does|has|will|would|can|should|w)",
    "(ich bin|hier ist|hallo|liebe|lieber|grusse|grussen|gruss|je suis|c est|c'est|bonjour|cordialement|merci)",
    "(soy|hola|gracias|saludos|sono|ciao|grazie|saluti|sou|ola|obrigado|obrigada|groeten|groetjes|hoi|jestem|czesc)",
    "(ik ben|jag ar|jeg er)",
    "(pozdrawiam|hej|hilsen|mvh|halsningar|terveisin|mit|von|und|et|con|avec|pour|para|por|chez|y|och|og)",
)
"""Behind these a name stands often: a word that could be one is."""

OF_FAMILY = phrases(
    """(my|his|her|our|their|your) [eldest|oldest|youngest|little|older|younger|big|baby|late|dear]
    (brother|sister|mother|son|daughter|wife|husband|cousin|nephew|niece|mum|mom|grandma|granddaughter|girlfriend
    |stepdaughter|stepson|goddaughter|twin|child|baby)"""
)
"""Behind these a month with a capital is somebody's name."""

GREETS = phrases(
    "(hi|hello|hey|heya|hiya|dear|thanks|thank you|thx|cheers|regards|wishes|sincerely|yours|truly|best|love|signed)",
    "its",
    "(hallo|liebe|lieber|grusse|grussen|gruss|bonjour|cordialement|merci|hola|saludos|ciao|saluti|ola|groeten)",
    "(groetjes|hoi|czesc|pozdrawiam|hej|hilsen|mvh|halsningar|terveisin|i am|im|i|this is)",
    "(author|written by|attn|attention|cc|both)",
    "(brother|sister|mother|father|son|daughter|wife|husband|boss|friend|neighbour|neighbor|colleague|cousin)",
    "(spoke|speak|talk|talked) (to|with)",
    "(met|told|asked|ask for|ich bin|hier ist|je suis|soy|sono|sou|jestem|ik ben|jag ar|jeg er)",
)
"""Of these, those behind which an unknown word is one, too."""

STRONG_PLACE = phrases(
    """(live|lives|lived|living|born|raised|grew up|reside|resides|resident|based|located|headquartered|staying|stayed
    |stay|work|works|worked|working|office|offices|weather|hotel|hotels|flat|apartment|house|here|studied|studying|stuck
    |arrived|restaurants|rain|visited us|family|friends|home|job|school|meeting|meet) (in|at|near|outside)""",
    """(move|moves|moved|moving|fly|flying|flew|flight|flights|travel|travels|travelled|traveled|travelling|traveling
    |relocate|relocated|relocating|train|trains|trip|drive|drove|driving|ship|ships|shipped|bus|go|goes|going|went
    |return
    |returned|come|comes|came|coming|heading|headed) [back|over] (to|from)""",
    """(capital|city|town|village|mayor|outskirts|republic|suburb|citizen|native|resident|centre|center|university|map
    |state|province|people|south|north|east|west|middle|kingdom) of""",
    "(city|town|country|hometown|birthplace|destination|location|place of birth|visit|visited|visiting|visits)",
    "(stadt|ort|wohnort|geburtsort|land|ville|pays|ciudad|pais|citta|paese|cidade|stad|miasto)",
    "(wohne in|lebe in|komme aus|nach|habite a|vis a|viens de|vivo en|vivo a|soy de|vengo de|abito a|sono di|moro em)",
    "(sou de|woon in|mieszkam w|bor i) ; (i|im|i am|she|he|we|she is|he is|we are) (in|from)",
)
BRINGS_PLACE = phrases(
    "(in|from|at|near|to|around|across|outside|throughout|toward|towards|between|via|through|of|and|where is|or)",
    "(aus|uit|naar|bij|vanuit|bei|vers|depuis|desde|hasta|fra|til|pa|ze|z|we|do|din|co|county)",
    "(aus|nach|en|a|em|w|i|till|fran|von|de|is|inside|within|past|leaving|reach|reached|for)",
)
