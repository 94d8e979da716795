"""Regions of countries with several clocks, by the codes that storefronts use, and their zones.

Keys are ISO 3166-2 codes without the country (also WooCommerce's and Shopify's own, where those
differ); a region that lies in two zones stands under the one where most of its people live.
`""` is the zone of every region that is not named.

Source: tzdata 2026.6, zone1970.tab (comments); Shopify provinceCode and WooCommerce i18n/states.
"""

EASTERN, CENTRAL, MOUNTAIN, PACIFIC = (
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
)

_GROUPS: dict[str, dict[str, str]] = {
    "US": {
        EASTERN: "CT DC DE FL GA KY MA MD ME NC NH NJ NY OH PA RI SC VA VT WV",
        "America/Detroit": "MI",
        "America/Indiana/Indianapolis": "IN",
        CENTRAL: "AL AR IA IL KS LA MN MO MS ND NE OK SD TN TX WI",
        MOUNTAIN: "CO MT NM UT WY",
        "America/Boise": "ID",
        "America/Phoenix": "AZ",
        PACIFIC: "CA NV OR WA",
        "America/Anchorage": "AK",
        "Pacific/Honolulu": "HI",
        "America/Puerto_Rico": "PR VI",
        "Pacific/Guam": "GU MP",
        "Pacific/Pago_Pago": "AS",
    },
    "CA": {
        "America/Vancouver": "BC",
        "America/Edmonton": "AB NT",
        "America/Regina": "SK",
        "America/Winnipeg": "MB",
        "America/Toronto": "ON QC",
        "America/Moncton": "NB",
        "America/Halifax": "NS PE",
        "America/St_Johns": "NL",
        "America/Iqaluit": "NU",
        "America/Whitehorse": "YT",
    },
    "AU": {
        "Australia/Sydney": "NSW ACT",
        "Australia/Melbourne": "VIC",
        "Australia/Brisbane": "QLD",
        "Australia/Adelaide": "SA",
        "Australia/Perth": "WA",
        "Australia/Hobart": "TAS",
        "Australia/Darwin": "NT",
    },
    "BR": {
        "America/Sao_Paulo": "DF ES GO MG PR RJ RS SC SP",
        "America/Rio_Branco": "AC",
        "America/Manaus": "AM",
        "America/Boa_Vista": "RR",
        "America/Porto_Velho": "RO",
        "America/Cuiaba": "MT",
        "America/Campo_Grande": "MS",
        "America/Belem": "AP PA",
        "America/Araguaina": "TO",
        "America/Fortaleza": "CE MA PB PI RN",
        "America/Recife": "PE",
        "America/Maceio": "AL SE",
        "America/Bahia": "BA",
    },
    "MX": {
        "America/Tijuana": "BC BCN",
        "America/Hermosillo": "SON SO",
        "America/Mazatlan": "BCS BS NAY NA SIN SI",
        "America/Chihuahua": "CHIH CHH CH",
        "America/Cancun": "ROO Q-ROO QR",
        "America/Merida": "YUC YU CAMP CAM CM",
        "America/Monterrey": "COAH COA CO DGO DUR DG NL NLE TAMPS TAM TM",
        "America/Mexico_City": "AGS AGU AG CDMX CMX DF CHIS CHP CS COL CL GTO GUA GT GRO GR HGO HID HG JAL "
        "JA MEX EM MX MICH MIC MI MOR MO OAX OA PUE PU QRO QUE QT SLP SL TAB TB TLAX TLA TL VER VE ZAC ZA",
    },
    "ES": {"Atlantic/Canary": "GC TF CN", "Africa/Ceuta": "CE ML", "Europe/Madrid": ""},
    "PT": {"Atlantic/Azores": "20", "Atlantic/Madeira": "30", "Europe/Lisbon": ""},
    "CL": {
        "America/Punta_Arenas": "MA",
        "America/Coyhaique": "AI",
        "America/Santiago": "",
    },
    "EC": {"Pacific/Galapagos": "W GPS", "America/Guayaquil": ""},
    "NZ": {"Pacific/Chatham": "CIT", "Pacific/Auckland": ""},
    "UA": {"Europe/Simferopol": "40 43", "Europe/Kyiv": ""},
    "CY": {"Asia/Nicosia": ""},
    "DE": {"Europe/Berlin": ""},
    "CN": {"Asia/Shanghai": ""},
    "ID": {
        "Asia/Jakarta": "AC BB BE BT BTN DI DK JA JB JI JK JT KR LA RI SB SS SU YO DA",
        "Asia/Pontianak": "KB KT",
        "Asia/Makassar": "BA GO KI KS KU NB NT SA SG SN SR ST",
        "Asia/Jayapura": "MA MU PA PB",
    },
}

# What people and imports write where a code is expected; folded: lower case, no accents.
NAMES: dict[str, dict[str, str]] = {
    "ES": {
        "las palmas": "GC",
        "santa cruz de tenerife": "TF",
        "canarias": "CN",
        "islas canarias": "CN",
        "ceuta": "CE",
        "melilla": "ML",
    },
    "PT": {"acores": "20", "azores": "20", "madeira": "30"},
    "US": {
        "california": "CA", "new york": "NY", "texas": "TX", "florida": "FL", "illinois": "IL",
        "washington": "WA", "hawaii": "HI", "alaska": "AK", "arizona": "AZ", "colorado": "CO",
        "massachusetts": "MA", "pennsylvania": "PA", "georgia": "GA", "michigan": "MI", "oregon": "OR",
    },
    "CA": {
        "british columbia": "BC", "alberta": "AB", "saskatchewan": "SK", "manitoba": "MB", "ontario": "ON",
        "quebec": "QC", "nova scotia": "NS", "new brunswick": "NB", "newfoundland and labrador": "NL",
        "prince edward island": "PE",
    },
    "AU": {
        "new south wales": "NSW", "victoria": "VIC", "queensland": "QLD", "south australia": "SA",
        "western australia": "WA", "tasmania": "TAS", "northern territory": "NT",
        "australian capital territory": "ACT",
    },
}  # fmt: skip

ZONES: dict[str, dict[str, str]] = {
    country: {code: zone for zone, codes in groups.items() for code in codes.split() or [""]}
    for country, groups in _GROUPS.items()
}
