"""What streets are called, folded (see `listed.fold`)."""

from agents.personal.named.phrases import phrases


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


SURE = _set(
    """street road rd avenue ave lane boulevard blvd crescent cres parkway pkwy highway hwy mews terrace marg nagar
    chowk
    turnpike cul pde tce"""
)
"""English ones that are hardly anything else, also without a capital."""
ENGLISH = SURE | _set(
    """st av ln drive dr court ct place pl square sq ter way close cl circle cir trail trl grove garden gardens row
    walk hill hills park view views alley ally annex arcade bayou beach bend bluff bluffs bottom branch bridge brook
    brooks burg burgs bypass camp canyon cape causeway center centers centre club common commons corner corners
    course courts cove coves creek crest crossing crossroad crossroads curve dale dam divide drives esplanade estate
    estates expressway extension extensions fall falls ferry field fields flat flats ford fords forest forge forges
    fork forks fort freeway gateway glen glens green greens harbor harbors harbour haven heights hollow inlet island
    islands isle junction junctions key keys knoll knolls lake lakes landing land light lights loaf lock locks lodge
    loop mall manor manors meadow meadows mill mills mission motorway mount mountain mountains neck orchard oval
    overpass parade parks pass passage path pike pine pines plain plains plaza point points port ports prairie
    promenade quay radial ramp ranch rapid rapids rest reserve ridge ridges rise river route run shoal shoals shore
    shores skyway spring springs spur spurs squares station stations stravenue stream streets summit throughway
    trace track trafficway tunnel underpass union unions valley valleys via viaduct village villages ville vista
    walks wall well wells wynd yard colony bagh sector gali ganj enclave layout vihar puram salai boreen strand
    broadway gate circus path zila town str pde tce cct hts bvd esp dve crt gdns grn croft garth link links
    villas cottages
    buildings approach chase copse dell fairway glade heath lookout nook outlook paddock precinct quadrant reach retreat
    track wharf wood woods brae brow fold gait loan pend vennel wynds lea leas mead meads dene drove lawn lawns downs
    straat laan singel rylaan vale steps cr"""
)
BUILDINGS = _set(
    """apartment apartments apts society residency towers tower chs chsl enclave complex building bhavan
    mansions chambers
    mall house hostel block barracks hall residence residency main cross floor phase stage sector quarters plaza
    court annexe wing wharf works"""
)
"""What houses of many flats are called."""
ROMANCE = _set(
    """odos leoforos plateia jalan jln lorong persiaran ffordd heol stryd rhodfa bothar sraid rue avenue
    boulevard allee allees impasse chemin quai cours sentier ruelle faubourg viale vicolo piazza piazzale
    piazzetta corso strada contrada borgo rotonda incrocio stretto canale lungomare lungarno salita calle avenida
    avda plaza paseo camino carretera ctra ronda rambla travesia callejon pasaje pasadizo glorieta cuesta
    urbanizacion alameda calzada cerrada circuito privada prolongacion viaducto periferico andador ampliacion
    peatonal retorno callejuela costanilla carrer passeig placa rua travessa praca estrada ladeira viela rodovia
    jardim condominio loteamento esplanada chacara beco rotatoria bulevardul aleea soseaua intrarea drumul splaiul
    ulica aleja aleje osiedle rondo skwer bulwar namesti trida nabrezi ulitsa prospekt utca ulice corredor"""
)
"""In front of the name."""
MAYBE_ROMANCE = _set(
    """via av ave bd blvd bdul bulevard pl place route passage square largo plaza pza po acceso diagonal eje vial
    continuacion parque quadra conjunto residencial setor trecho trevo vila vale vereda passarela recanto nucleo
    morro lago lagoa fazenda favela estacao distrito colonia campo area aeroporto feira praia sitio patio str calea
    piata ul al plac os nam tr nabr ter ut r c cl cra carrera jiron residence lieu voie villa cite hameau parc mail
    strasse platz lg lgo tv trav pca prc qta"""
)
"""The same, but words of other meanings, too: they need a capital behind them."""
COMPOUNDS = tuple(
    sorted(
        _set(
            """strasse weg gasse allee platz ring damm ufer steig stieg pfad chaussee promenade markt graben wall hof
    berg straat laan plein gracht kade dreef singel steeg dijk baan pad poort plantsoen boulevard hage gatan gata vagen
    grand granden stigen torget backen leden alle allen gade vej straede stræde vænget vaenget parken toften bakken
    haven torv gaten vegen veien vei svingen stien tunet lia haugen lokka jordet kroken vang caddesi cad sokak
    sokagi bulvari namesti nabrezi torg gate utca korut koz fasor katu tie kuja polku raitti penger kaari rinne
    puisto ranta tori maki aukio tanner kaarto str"""
        )
    )
)
"""At the end of the name, before the number."""
APART = _set("sok u ter rkp utja setany krt")
"""Behind a name with a capital, never grown together with it."""
SHORT_COMPOUNDS = _set(
    """tie maki lia hof ring berg pad wall markt haven park vei alle grand hage baan vang tori parken str promenade
    boulevard"""
)
"""Of these, those with which other words end, too."""
LONG_COMPOUNDS = tuple(one for one in COMPOUNDS if one not in SHORT_COMPOUNDS and len(one) > 2)
LOWER_COMPOUNDS = _set(
    "gate gade vej vei gata gatan torg namesti nabrezi caddesi sokak bulvari utca straat laan katu strasse allee"
)
AT_THE = _set("na pod nad za am an auf im in zum zur unter hinter bei op aan ob vor beim")
ALONE = _set("esplanade broadway strand parade promenade quay embankment cornmarket cloisters corniche boardwalk")
"""English streets that need no name."""
SMALL = _set(
    """de del della dello delle degli dei di da do dos das du des la le les los las l d of the y e san santa van von der
    den dem in i c al nr no n numero num s"""
)
NUMBER_WORDS = _set("nr no n num numero nummer numer hno")
FLATS = _set("apt apartment suite ste appt")
"""Units that are hardly anything else before a number."""
UNITS_BEFORE = _set(
    "lot suite ste penthouse stand erf flat unit apt apartment suite studio level floor room house shop plot block blk"
)
TIGHT_UNITS = _set("blk no nr number rear")
"""As in "Blk 123 Ang Mo Kio Ave", "No. 7 Mill Road"."""
SAYS_ADDRESS = phrases(
    "[my|your|his|her|the|our|home|billing|postal|shipping|delivery] address [is|was|of|line]",
    "(street|my street) [is]",
    "(live|lives|lived|living) on",
    "(live|lives|lived|living|reside|resides|residing|located|stay|stays|staying|property|office|home|house|flat) at",
    "(met|meet|meet me|is|was|accident|party|arrive|arrived|pick up|picked up|drop off) at",
    "(ship|send|deliver|mail|post) [it|this|them] to",
    "(shipped|sent|sending|delivered|delivery|moved|move|moving|mail|come|went) to",
    "(get|way|directions|drive|walk) (to|from); instead of; opposite; line; residence",
    "(adresse|anschrift|meine adresse|mon adresse|indirizzo|direccion|mi direccion|adres|endereco) [ist|est|es|e|is]",
    "wohne in der",
)
