"""Words by which names are told from other words with a capital; as `core.words.fold` gives them."""

from functools import cache
from pathlib import Path

# Names that are words of everyday, too: written small they are no names.
_EVERYDAY = """
    may will mark hope grace rose bill art rich sol luz paz mar rosa clara mercedes dolores blanca claire pierre
    blanche constant prudence angel cruz reyes leon flores rios campos santos joy faith precious gift blessing
    sunday friday monday march april june august victor felix max pat frank dean grant chance chase drew guy
    jack miles page penny ray rob rusty sandy sky stone summer wade young brown green white black long short
    small king bishop cook baker potter mason carter clinton villa torres casas castillo montes prado vega rey
    paredes mora silva costa rocha pinto lima porto branco ferreiro petit grand martin noel blanc roux leroy
    mercier barre fort content juste esperanza pilar consuelo socorro amparo milagros soledad gracia alba aurora
    nieves remedios data key case lot asuncion belen candela concepcion crystal custodia dan dawn desire
    florence franco german gloria guadalupe jade jasmine justice lea alpha washington lee mercy mona patience
    regina robin roman rosario salvador sam segundo sunny trinidad vasco victoria
"""
EVERYDAY = frozenset(_EVERYDAY.split())
# Words with a capital after “Dear”, “I am” or “Mr” that are no names.
_NO_NAME = """
    sir sirs madam team all everyone everybody colleague colleagues helpdesk desk help support friends friend
    folks there ladies gentlemen data open ocds ocp standard equipo todos todas colegas amigos amigas senor
    senores senora soporte mesa ayuda equipe tous toutes collegues messieurs mesdames madame monsieur assistance
    bureau time prezados senhores senhor senhora caros a the an el la le les los un una une i we you he she it
    this that director directora directeur directrice analyst analista analyste head chief officer manager
    responsable publisher user consultant developer engineer minister ministro ministra ministre secretary
    secretario secretaria president presidente presidenta technical tecnico tecnica technique project proyecto
    projet working trying using new nuevo nueva nouveau nouvelle from de del of at para por pour not no very so
    also glad happy sorry sure aware writing afraid back here interested responsible looking currently january
    february march april may june july august september october november december monday tuesday wednesday
    thursday friday saturday sunday json csv xml api excel id ids ocid ocids uri url version release record
    tender award contract planning segun selon according conforme segundo about good buenos buenas bonjour
    bonsoir hello hi hola dear morning afternoon evening day dias tardes noches bom boa dia tarde noite
"""
NO_NAME = frozenset(_NO_NAME.split())
# Names that hold one of these are of bodies, places and things, whoever they were named after.
_OF_BODIES = """
    university college school foundation institute bank group partnership partners team ministry department
    office agency authority commission council county state republic islands street avenue road drive lane
    square airport hospital project programme program fund act law tool toolkit studio server desktop code api
    portal system service services standard contracting data report reports library park city town village
    province region club church ltd limited inc llc sa sarl srl company corp consulting holdings award prize
    center centre committee federation union universidad fundacion instituto banco colegio escuela centro grupo
    proyecto programa ley sistema servicio servicios ministerio agencia comision consejo municipio municipalidad
    alcaldia gobierno empresa departamento provincia ciudad universite fondation institut banque ecole hopital
    societe projet loi systeme ministere agence mairie sheets universidade fundacao escola prefeitura governo projeto
    lei secretaria
"""
OF_BODIES = frozenset(_OF_BODIES.split())
# What stands before a name that is given to a place.
_OF_PLACES = """
    san santa santo sao saint sainte st calle avenida avda av carrera jiron plaza paseo pasaje camino puerto
    villa ciudad rua praca travessa rue place boulevard quai allee chemin mount lake port fort el la los las new
    lago monte isla colonia barrio quartier bairro
"""
OF_PLACES = frozenset(_OF_PLACES.split())

_GIVEN_NAMES = Path(__file__).with_name("given_names.txt")


@cache
def given_names() -> frozenset[str]:
    """Names that many people were given."""
    lines = _GIVEN_NAMES.read_text("utf-8").splitlines()
    return frozenset(name for line in lines if not line.startswith("#") for name in line.split())
