"""Draw the world map and find the middle of each country: ``python -m bench.world FOLDER`` of the npm package world-atlas.

Writes static/img/world.svg (land, one path) and peers/places.py (where each country is on it). The projection is Equal Earth
(Šavrič, Patterson, Jenny 2018), so that no continent is made larger than it is.
"""

import json
import math
import sys
from pathlib import Path

import pycountry

WIDTH, HEIGHT = 960, 440
A1, A2, A3, A4 = 1.340264, -0.081106, 0.000893, 0.003796
ROOT = Path(__file__).parent.parent


def project(longitude: float, latitude: float) -> tuple[float, float]:
    """Degrees to the map's own units."""
    theta = math.asin(math.sqrt(3) / 2 * math.sin(math.radians(latitude)))
    squared = theta * theta
    x = 2 * math.sqrt(3) * math.radians(longitude) * math.cos(theta)
    x /= 3 * (9 * A4 * squared**4 + 7 * A3 * squared**3 + 3 * A2 * squared + A1)
    y = A4 * theta**9 + A3 * theta**7 + A2 * theta**3 + A1 * theta
    scale = WIDTH / 5.42
    return WIDTH / 2 + x * scale, 218 - y * scale


def arcs(topology: dict) -> list[list[tuple[float, float]]]:
    """The decoded arcs of a topology, in degrees."""
    (sx, sy), (tx, ty) = topology["transform"]["scale"], topology["transform"]["translate"]
    decoded = []
    for arc in topology["arcs"]:
        x = y = 0
        points = []
        for dx, dy in arc:
            x, y = x + dx, y + dy
            points.append((x * sx + tx, y * sy + ty))
        decoded.append(points)
    return decoded


def rings(geometry: dict, decoded: list) -> list[list[tuple[float, float]]]:
    """The outer rings of a geometry, in degrees."""
    polygons = geometry["arcs"] if geometry["type"] == "MultiPolygon" else [geometry["arcs"]]
    found = []
    for polygon in polygons:
        ring: list[tuple[float, float]] = []
        for number in polygon[0]:
            points = decoded[number] if number >= 0 else decoded[~number][::-1]
            ring += points[1:] if ring else points
        found.append(ring)
    return found


def pieces(ring: list[tuple[float, float]]) -> list[list[tuple[float, float]]]:
    """A ring cut where it crosses the 180th meridian, so that it draws no line across the whole map."""
    cut: list[list[tuple[float, float]]] = [[]]
    for point in ring:
        if cut[-1] and abs(point[0] - cut[-1][-1][0]) > 180:
            cut.append([])
        cut[-1].append(point)
    if len(cut) > 1 and abs(cut[0][0][0] - cut[-1][-1][0]) < 180:
        cut[0] = cut.pop() + cut[0]
    return [piece for piece in cut if len(piece) > 2]


def middle(geometry: dict, decoded: list) -> tuple[float, float]:
    """The centre of the largest piece of land."""

    def area(ring):
        return sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, ring[1:] + ring[:1], strict=True)) / 2

    ring = max(
        (piece for ring in rings(geometry, decoded) for piece in pieces(ring)), key=lambda item: abs(area(item))
    )
    whole = area(ring)
    if not whole:
        return ring[0]
    pairs = list(zip(ring, ring[1:] + ring[:1], strict=True))
    x = sum((a[0] + b[0]) * (a[0] * b[1] - b[0] * a[1]) for a, b in pairs) / (6 * whole)
    y = sum((a[1] + b[1]) * (a[0] * b[1] - b[0] * a[1]) for a, b in pairs) / (6 * whole)
    return x, y


def main() -> None:
    """Write both files."""
    folder = Path(sys.argv[1])
    coarse = json.loads((folder / "land-110m.json").read_text())
    decoded = arcs(coarse)
    path = ""
    for geometry in coarse["objects"]["land"]["geometries"]:
        for ring in rings(geometry, decoded):
            if all(latitude < -60 for _, latitude in ring):
                continue
            for piece in pieces(ring):
                points = [project(*point) for point in piece]
                path += "M" + "L".join(f"{x:.0f} {y:.0f}" for x, y in points) + "Z"
    (ROOT / "static/img/world.svg").write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"><path fill="#7d8f8f" fill-opacity=".32" d="{path}"/></svg>\n'
    )
    fine = json.loads((folder / "countries-50m.json").read_text())
    decoded = arcs(fine)
    places = {}
    for geometry in fine["objects"]["countries"]["geometries"]:
        if geometry.get("properties", {}).get("name") == "Kosovo":
            code = "XK"
        else:
            known = pycountry.countries.get(numeric=str(geometry.get("id", "")).zfill(3))
            code = known.alpha_2 if known else ""
        if code and geometry.get("arcs"):
            places[code] = tuple(round(value) for value in project(*middle(geometry, decoded)))
    lines = [f'    "{code}": {places[code]},' for code in sorted(places)]
    (ROOT / "peers/places.py").write_text(
        '"""Where countries are on static/img/world.svg, in its units. Written by ``python -m bench.world``."""\n\n'
        f"WIDTH, HEIGHT = {WIDTH}, {HEIGHT}\n\nPLACES: dict[str, tuple[int, int]] = {{\n" + "\n".join(lines) + "\n}\n"
    )


if __name__ == "__main__":
    main()
