"""Words that speak for or against a name beside them, or are none themselves. Folded, see `listed.fold`."""


def _set(*words: str) -> frozenset[str]:
    return frozenset(" ".join(words).split())


TITLES = _set(
    """mr mrs ms mx miss dr prof professor doctor sir dame lady lord rev reverend fr capt captain sgt sergeant lt col
    gen judge senator hon herr frau fraulein dipl ing mag monsieur madame mademoiselle mme mlle m maitre mtre sr sra
    srta senor senora senorita don dona signor signora sig sigra dott dottor dottoressa dottssa avv senhor senhora
    dhr mevr mevrouw meneer drs pan pani inz hr fru froken univ med phil jur sri shri smt uncle aunt auntie tante
    onkel tio tia aunty oom tannie familie famille familia famiglia engr barr alhaji alhaja hajia mallam sheikh
    cllr supt
    chief pastor"""
)
SUFFIXES = _set(
    "b sc jr sr ii iii iv md phd dds dvm esq msc bsc ba ma mba llm dphil rer nat phil med cpa rn csc mudr mgr bc"
)
SHORT_TITLES = _set(
    "m ms fr sr hr don gen col lady lord sir sig ing mag med pan lt univ miss captain judge doctor phil jur "
    "familia chief pastor barr"
)
"""Titles that are words as well: they count with a capital, and only before a word with a capital."""

PARTICLES = _set(
    """de da do dos das del della di du der den van von vom zu zur ter ten te la le el al bin ibn bint abu ben y e af av
    mac mc st san ap lo degli dei dalla dello des d o l van't 't op aan in"""
)
LOOSE_PARTICLES = _set("in e y o l d te zu aan op lo do den")

FOLLOWS_NAME = _set(
    """said says told asked wrote writes called calls lives lived works worked is was has had will wants wanted needs
    needed thinks thought asks tells born and or from who whose went came phoned emailed texted signed joined left sent
    paid owes died married met likes loves hates bought sold u"""
)

MONTHS = _set("april may june august")
"""Those that are names as well."""
BEFORE_MONTH = _set(
    """in since until till last next this every early late mid by from of for during before after and or to between
    through"""
)
BEFORE_TOWN = _set(
    """north south east west new lake port fort mount saint st san santa santo sao los las el upper lower great
    little old
    bad sankt sint nova novo nueva nuevo villa ville nieuw oud stary novy vila vale castel monte la le les saint ste
    northern southern eastern western central point cape"""
)
TOWN_ENDINGS = _set(
    """ville burgh berg burg ton town port mouth shire stad furt haven chester bury borough boro ham field ford wick
    dorf hausen heim stadt grad polis land bach feld brueck minster by holm sund vik side view fort stead worth
    veen drecht wijk kerk broek
    ingen leben kirchen hafen bruck stetten rode walde furth abad pur nagar ow ice owo nik ovo koping veden"""
)

NO_NAMES = _set(
    # Calendar, languages and peoples.
    """january february march april may june july august september october november december monday tuesday wednesday
    thursday friday saturday sunday feb mar apr jun jul aug sep sept oct nov dec mon tue wed thu fri sat sun christmas
    easter ramadan hanukkah diwali english german french spanish italian dutch polish swedish portuguese russian chinese
    japanese korean arabic hindi greek turkish danish norwegian finnish czech hungarian romanian ukrainian latin hebrew
    american british canadian australian european african asian indian irish scottish welsh mexican brazilian swiss
    austrian belgian jewish muslim christian catholic buddhist hindu montag dienstag mittwoch donnerstag freitag samstag
    sonntag januar februar marz juni juli oktober dezember lundi mardi mercredi jeudi vendredi samedi dimanche lunes
    martes miercoles jueves viernes sabado enero febrero abril junio julio agosto septiembre octubre
    noviembre diciembre""",
    # Small words.
    """the a an and or but of for with new old this that these those my your our their his her what when where who
    how why
    all any some both each every no not only just very so too then there here now do does did is are was were be been
    am can
    if as at by in on to from up out off over under after before again once more most such own same than until while
    about against between into through during above below it he she we they them him me us you""",
    # Pronouns, contractions, interjections of chat.
    """i im ive ill id youre youve dont doesnt didnt cant wont isnt arent wasnt hes shes its theyre thats whats lets hi
    hey hello lol omg btw asap fyi pls plz thx ty u ur gonna wanna gotta yeah yep nope ok okay oh ah hmm haha bye
    sorry please thanks dear welcome congrats tldr imo afaik faq todo fixme nb ps re fw fwd cc bcc attn hallo ciao
    hola bonjour salut merci danke bitte gracias grazie obrigado liebe lieber grusse gruss viele mit freundlichen
    cordialement saludos saluti hej hoi moin servus regards sincerely cheers yours best wishes love mom mum dad mama
    papa god jesus phone mobile surname dob mrn zip postcode po""",
    # Words of other languages that lists of names have too.
    """der die das den dem des ein eine und ist ich du er sie es wir ihr mein meine dein unser nicht auch auf aus bei
    von zu zum zur fur mit nach uber wie was wer wo wann warum ja nein kein noch nur schon sehr hier heute morgen
    gestern le la les un une des du et est je tu il elle nous vous ils mon ma mes ton sa son ses ne pas plus pour
    par sur avec dans qui que quoi comment oui non suis el los las una unos y o es soy eres somos mi tu su no si con
    sin por para como donde cuando muy mas hay ser estar lo gli i uno di da in con su per tra fra che chi come dove
    quando perche sono sei siamo mio tuo suo de het een en van ik jij hij zij wij niet ook op aan met voor os as um
    uma em eu ele ela nos na nao sim se ale jak jest nie to na do od po az ta ten ma adresse telefon nummer konto
    nif nie dni cpf cep cnpj pesel nip bsn bvn nuban iban siret tva ust mwst curp rfc tel telf fax mob gsm eircode
    nom prenom vorname nachname achternaam voornaam apellido apellidos cognome imie nazwisko tues thurs weds addr
    rs inr ihr ihre ihren unser unsere grantor grantee lessor lessee bic swift ifsc plz guten tag dzien dobry
    buenos dias buenas tardes bom dia boa tarde goedemorgen goedendag goddag bonsoir
    email mail direccion indirizzo nome nombre adres numer kunde kundin kundennummer rechnung bestellung strasse
    stadt land mobil handy betreff verwendungszweck uberweisung miete""",
    # Software, companies, products.
    """kafka docker kubernetes sluice python java javascript typescript rust golang ruby perl scala kotlin swift
    haskell erlang elixir clojure lua php sql nosql html css json yaml xml toml csv avro protobuf parquet arrow
    linux ubuntu debian fedora redhat windows macos ios android chrome firefox safari edge opera github gitlab
    bitbucket git jenkins maven gradle ansible terraform pulumi vagrant prometheus grafana loki jaeger tempo redis
    postgres postgresql mysql mariadb mongodb cassandra elastic elasticsearch kibana logstash spark hadoop hive
    presto trino flink beam storm airflow dagster prefect dbt snowflake bigquery redshift databricks duckdb sqlite
    oracle nginx apache tomcat envoy istio linkerd consul vault nomad helm argo jira confluence slack teams zoom
    discord telegram whatsapp signal google amazon aws azure gcp microsoft apple meta facebook instagram twitter
    linkedin netflix spotify uber airbnb tesla nvidia intel amd ibm sap salesforce adobe openai anthropic gemini
    gemma mistral llama gpt chatgpt copilot bard siri cortana echo kindle ipad iphone macbook pixel galaxy samsung
    sony nintendo playstation xbox django flask fastapi rails spring laravel react angular vue svelte nextjs node
    npm yarn pip conda pytest junit selenium playwright cypress numpy pandas scipy spacy pytorch tensorflow keras
    jupyter anaconda faust celery rabbitmq nats pulsar zookeeper cloudflare heroku vercel netlify digitalocean
    stripe paypal twilio sendgrid shopify wordpress drupal joomla magento figma notion trello asana dropbox excel
    word powerpoint outlook office wifi bluetooth usb http https api url uri uuid jwt oauth tls ssl ssh ftp dns tcp
    udp ip vpn lan cpu gpu ram ssd hdd pdf png jpg svg unicode ascii utf boolean true false null none void int str
    string float class def var let const import return async await self this enum starlette uvicorn pydantic asyncio
    celery sentry datadog splunk pagerduty okta auth keycloak curie davinci hamming fibonacci fourier turing bayes
    markov gauss euler boolean dijkstra bash zsh vim emacs nano vscode intellij eclipse netbeans xcode android maya
    blender unity unreal godot lisp scheme ocaml fortran cobol pascal delphi basic delta dash bot bots token tokens
    user users admin root guest test tests demo foo bar baz qux lorem ipsum hello world api sdk cli gui ui ux qa ci
    cd pr mr db id ids sku vat iban ssn pin otp mfa sso gdpr hipaa eu un nato nasa fbi cia bbc cnn nba nfl fifa uefa
    champions league covid internet web cloud login logout signup email username mac server client street road
    avenue env prio""",
)

COMPANY_ENDINGS = _set(
    """inc llc ltd limited gmbh ag kg kgaa ug sa sas sarl srl spa bv nv oy oyj ab as asa aps plc corp corporation co
    company companies group holdings holding partners associates foundation university college institute bank airlines
    hospital clinic school academy ministry verein ev"""
)
SURE_COMPANY_ENDINGS = _set("inc llc ltd gmbh plc srl sarl oyj kgaa")
"""Of these, those that are no word: the others count with a capital ("add Anna Berg as a guardian")."""
