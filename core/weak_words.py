"""Words of English, Spanish and French that say little of what a question is about, however rare they are in texts."""

# Folded, as people type them; shorter than a list of all of them, because “work” and “part” can be what is asked for.
WEAK_WORDS = frozenset(
    """
    about afin after again ahora ainsi algun alguna algunos all alors already also always ancien another antes any
    apparaitre appear apres aqui asi assez aucun aussi autre autres avant avez avoir avons back beaucoup because
    before being bien both buen cada call called casi chaque chose cierto combien come comes comment como cosa
    cosas cuanto dar debe debemos deben decir deja dentro depuis dernier dernierement despues deux deuxieme devons
    dice dire does doit doivent done dont dos during each either encore ensemble entre estamos estar etre ever
    every faire fait falloir faut few first font get gets getting give given go goes going got gracias hace hacer
    hacia hasta hay help here ici igual instead ir jamais juste keep kind know last let like little long look
    luego made maintenant make makes manera many may mean means meilleur menos mettre mientras mieux misma mismo
    moins more most much mucho muchos must necesitamos necesito necessaire need needs never new next ninguno no
    non nor not nouveau nouvelle now nueva nuevo nunca off old once one only other otra otro otros out over own
    parce pasa pendant per peu peut peuvent pide please plus plusieurs podemos poder podria pone poner pouvez
    pouvoir pouvons premier prendre primero puede pueden puedo puis put quand quedan quelque queremos question
    quiere quiero quoi rather read really rien right saber same savoir say says see segun segundo ser sera set
    seul seulement several show si siempre sigue sinon soit solo some souvent still such suis sure take tambien
    tant tanto tel tell tenemos tener thing things three through tienen toda todas todo todos too tous tout toute
    toutes tres trois trop trouver try two under until up usa usar use used using utiliser va van varias varios
    veces ver vers very veut vez via viejo voici voir voulons want wants way week well went without year yes yet
    """.split()  # noqa: SIM905
)
