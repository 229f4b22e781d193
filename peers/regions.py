"""Regions of the world as the Data Registry of the Open Contracting Partnership groups countries."""

from core.i18n import lazy

REGIONS = {
    "LAC": lazy("Latin America and the Caribbean"),
    "AF": lazy("Africa"),
    "MENA": lazy("Middle East and North Africa"),
    "AS": lazy("Asia"),
    "EECA": lazy("Eastern Europe and Central Asia"),
    "EU": lazy("Western and Central Europe"),
    "NA": lazy("North America"),
    "OC": lazy("Oceania"),
}

_MEMBERS = {
    "LAC": "AG AI AR AW BB BL BO BQ BR BS BZ CL CO CR CU CW DM DO EC FK GD GF GP GT GY HN HT JM KN KY LC MF MQ "
    "MS MX NI PA PE PR PY SR SV SX TC TT UY VC VE VG VI",
    "AF": "AO BF BI BJ BW CD CF CG CI CM CV DJ ER ET GA GH GM GN GQ GW KE KM LR LS MG ML MR MU MW MZ NA NE NG "
    "RE RW SC SD SH SL SN SO SS ST SZ TD TG TZ UG YT ZA ZM ZW",
    "MENA": "AE BH DZ EG EH IL IQ IR JO KW LB LY MA OM PS QA SA SY TN YE",
    "AS": "AF BD BN BT CN HK ID IN IO JP KH KP KR LA LK MM MN MO MV MY NP PH PK SG TH TL TW VN",
    "EECA": "AL AM AZ BA BY GE KG KZ MD ME MK RS RU TJ TM TR UA UZ XK",
    "EU": "AD AT AX BE BG CH CY CZ DE DK EE ES FI FO FR GB GG GI GR HR HU IE IM IS IT JE LI LT LU LV MC MT NL "
    "NO PL PT RO SE SI SJ SK SM VA",
    "NA": "BM CA GL PM US",
    "OC": "AS AU CC CK CX FJ FM GU KI MH MP NC NF NR NU NZ PF PG PN PW SB TK TO TV UM VU WF WS",
}
_BY_COUNTRY = {country: region for region, members in _MEMBERS.items() for country in members.split()}


def region_of(country: str) -> str:
    """The region of a country, "" if it has none."""
    return _BY_COUNTRY.get(country, "")


def region_name(code: str) -> str:
    """The name of a region in the reader's language; "" for none."""
    return str(REGIONS[code]) if code in REGIONS else ""
