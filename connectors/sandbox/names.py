"""The names, towns and phone ranges that invented shoppers are made of."""

from dataclasses import dataclass

FIRST_NAMES = {
    "IT": [
        "Lucia",
        "Giulia",
        "Chiara",
        "Francesca",
        "Elena",
        "Martina",
        "Sara",
        "Anna",
        "Paola",
        "Silvia",
        "Federica",
        "Valentina",
        "Marta",
        "Irene",
        "Marco",
        "Luca",
        "Andrea",
        "Matteo",
        "Davide",
        "Paolo",
        "Stefano",
        "Simone",
        "Alessandro",
        "Giovanni",
        "Nicolò",
        "Pietro",
        "Tommaso",
        "Enrico",
    ],
    "DE": [
        "Anja",
        "Birgit",
        "Claudia",
        "Heike",
        "Jürgen",
        "Katrin",
        "Lukas",
        "Matthias",
        "Sabine",
        "Stefan",
        "Ulrike",
        "Wolfgang",
    ],
    "FR": [
        "Amélie",
        "Benoît",
        "Camille",
        "Chloé",
        "Étienne",
        "François",
        "Hélène",
        "Julien",
        "Margaux",
        "Mathilde",
        "Noémie",
        "Thibault",
    ],
    "US": [
        "Ashley",
        "Brian",
        "Emily",
        "Jason",
        "Jessica",
        "Kevin",
        "Megan",
        "Michael",
        "Nicole",
        "Robert",
        "Sarah",
        "Tyler",
    ],
}
LAST_NAMES = {
    "IT": [
        "Rossi",
        "Russo",
        "Ferrari",
        "Esposito",
        "Bianchi",
        "Romano",
        "Colombo",
        "Ricci",
        "Marino",
        "Greco",
        "Bruno",
        "Gallo",
        "Conti",
        "Costa",
        "Giordano",
        "Mancini",
        "Rizzo",
        "Lombardi",
        "Moretti",
        "Barbieri",
        "Fontana",
        "Santoro",
        "Mariani",
        "Rinaldi",
        "Caruso",
        "D'Amico",
    ],
    "DE": [
        "Müller",
        "Schmidt",
        "Schneider",
        "Fischer",
        "Weber",
        "Meyer",
        "Wagner",
        "Becker",
        "Schäfer",
        "Koch",
        "Groß",
        "Köhler",
    ],
    "FR": [
        "Martin",
        "Bernard",
        "Dubois",
        "Lefèvre",
        "Moreau",
        "Girard",
        "Rousseau",
        "Fournier",
        "Mercier",
        "Chevalier",
        "Garçon",
    ],
    "US": [
        "Smith",
        "Johnson",
        "Williams",
        "Brown",
        "Jones",
        "Garcia",
        "Miller",
        "Davis",
        "Anderson",
        "Taylor",
        "O'Brien",
        "Clark",
    ],
}
STREETS = {
    "IT": ("Via Roma", "Via Garibaldi", "Corso Italia", "Via Mazzini", "Viale dei Tigli", "Via Dante"),
    "DE": ("Hauptstraße", "Gartenweg", "Bahnhofstraße", "Lindenallee"),
    "FR": ("Rue de la République", "Rue Victor Hugo", "Avenue du Général Leclerc", "Rue des Écoles"),
    "US": ("Main Street", "Oak Avenue", "Maple Drive", "Lake Road"),
}


@dataclass(frozen=True, slots=True)
class Town:
    """A place a shopper lives in; region is a province or state code, empty where none is used."""

    name: str
    region: str
    postcode: str


TOWNS = {
    "IT": (
        Town("Torino", "TO", "10121"),
        Town("Milano", "MI", "20121"),
        Town("Roma", "RM", "00184"),
        Town("Bologna", "BO", "40121"),
        Town("Napoli", "NA", "80133"),
        Town("Firenze", "FI", "50122"),
        Town("Palermo", "PA", "90133"),
        Town("Verona", "VR", "37121"),
        Town("Genova", "GE", "16121"),
        Town("Bari", "BA", "70121"),
        Town("Trento", "TN", "38122"),
        Town("Cagliari", "CA", "09124"),
    ),
    "DE": (Town("Berlin", "BE", "10115"), Town("München", "BY", "80331"), Town("Köln", "NW", "50667")),
    "FR": (Town("Paris", "", "75004"), Town("Lyon", "", "69002"), Town("Nantes", "", "44000")),
    "US": (Town("Portland", "OR", "97205"), Town("Austin", "TX", "78701"), Town("Denver", "CO", "80202")),
}
US_AREA_CODES = [
    "201",
    "202",
    "205",
    "206",
    "207",
    "208",
    "209",
    "210",
    "212",
    "213",
    "214",
    "215",
    "216",
    "217",
    "218",
    "219",
    "224",
    "225",
    "228",
    "229",
    "231",
    "234",
    "239",
    "240",
    "248",
    "251",
]


def phone_of(country: str, number: int) -> str:
    """A valid E.164 number that is different for every `number` below 2,600.

    The United States' are from the range set aside for fiction (555-01xx). The European ranges of that
    kind are too small, or unknown to number libraries, so those only look like mobile numbers.
    """
    if country == "US":
        return f"+1{US_AREA_CODES[number // 100]}55501{number % 100:02d}"
    if country == "FR":
        return f"+3361234{number:04d}"
    if country == "DE":
        return f"+491525550{number:04d}"
    return f"+39320555{number:04d}"
