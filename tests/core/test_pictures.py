"""What files are, and pictures with nothing else in them."""

import io
import json
import struct
import time
import zipfile
import zlib

import pytest
from PIL import Image, PngImagePlugin

from core.pictures import reencode, sniff

SECRET = b"-12.0464 here we meet"


def encoded(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def opened(picture):
    return Image.open(io.BytesIO(picture.data))


def half_red(size=(40, 20), mode="RGB"):
    image = Image.new(mode, size, "white")
    image.paste("red", (0, 0, size[0] // 2, size[1]))
    return image


def frames(count, size=(10, 10)):
    return [Image.new("RGB", size, (index % 256, index // 256, 50)) for index in range(count)]


def png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of_size(width, height):
    """A PNG that says how large it is, and little else."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", head) + png_chunk(b"IDAT", pixels) + png_chunk(b"IEND", b"")


def spreadsheet():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return out.getvalue()


XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
BINARY = "application/octet-stream"


@pytest.mark.parametrize(
    ("data", "filename", "expected"),
    [
        (encoded(half_red(), "PNG"), "a.png", "image/png"),
        (encoded(half_red(), "PNG"), "a.html", "image/png"),
        (encoded(half_red(), "JPEG"), "a.jpg", "image/jpeg"),
        (encoded(half_red(), "GIF"), "a", "image/gif"),
        (encoded(half_red(), "WEBP"), "a.webp", "image/webp"),
        (b"%PDF-1.7\n\x00", "a.pdf", "application/pdf"),
        (spreadsheet(), "a.xlsx", XLSX),
        (spreadsheet(), "a.XLSX", XLSX),
        (spreadsheet(), "a.zip", "application/zip"),
        (spreadsheet(), "a.png", "application/zip"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00", "a.xls", "application/vnd.ms-excel"),
        (b"\x1f\x8b\x08\x00", "a.json.gz", "application/gzip"),
        (b'{"ocid": "x"}', "a.json", "application/json"),
        (b'\xef\xbb\xbf{"ocid": "x"}', "a.json", "application/json"),
        (b'{"ocid": "<script>"', "cut.json", "application/json"),
        (b"[1, 2]", "a", "application/json"),
        (b"[not json", "a.txt", "text/plain"),
        (b"a;b\n1;2\n", "a.csv", "text/csv"),
        ("año;país\n".encode("latin-1"), "a.csv", "text/csv"),
        ("\ufeffa\tb\n".encode("utf-16"), "a.csv", "text/csv"),
        (b"<?xml version='1.0'?><a/>", "a.xml", "application/xml"),
        (b"<?xml version='1.0'?><svg xmlns='x'/>", "a.xml", "image/svg+xml"),
        (b"<svg onload=alert(1)>", "a.png", "image/svg+xml"),
        (b"<!doctype html><p>", "a.txt", "text/html"),
        (b"  <script>alert(1)</script>", "a.csv", "text/html"),
        (b"hello <script>", "a.html", "text/html"),
        (b"hello", "a.png", "text/plain"),
        (b"MZ\x90\x00\x03", "a.png", BINARY),
        (b"\x01\x02\xff\xfe\xff", "a.txt", BINARY),
        (b"", "a.txt", "text/plain"),
        (b"a" + "é".encode() * 4096, "a.txt", "text/plain"),
        (b"a" * 8191 + "é".encode(), "a.md", "text/markdown"),
        (b"From: a@b.c\n\nx", "a.eml", "message/rfc822"),
        (b"[" * 8000, "a", "text/plain"),
    ],
)  # fmt: skip
def test_a_file_is_what_its_bytes_say(data, filename, expected):
    assert sniff(data, filename) == expected


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_picture_stays_the_same_picture(kind):
    picture = reencode(encoded(half_red(), kind))
    assert (picture.width, picture.height) == (40, 20)
    assert picture.content_type == ("image/png" if kind == "GIF" else f"image/{kind.lower()}")
    red, green, _ = opened(picture).convert("RGB").getpixel((5, 5))
    assert red > 200
    assert green < 60
    assert min(opened(picture).convert("RGB").getpixel((35, 5))) > 200


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "moving GIF"])
def test_nothing_else_in_the_file_is_kept(kind):
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    exif.get_ifd(0x8825)[1] = SECRET.decode()
    options = {"exif": exif.tobytes(), "icc_profile": SECRET, "xmp": SECRET}
    if kind == "PNG":
        notes = PngImagePlugin.PngInfo()
        notes.add_text("Comment", SECRET.decode())
        notes.add_itxt("XML:com.adobe.xmp", SECRET.decode())
        data = encoded(half_red(), "PNG", pnginfo=notes, **options)
    elif kind == "moving GIF":
        first, *others = frames(3)
        data = encoded(first, "GIF", save_all=True, append_images=others, comment=SECRET)
    elif kind == "GIF":
        data = encoded(half_red(), "GIF", comment=SECRET)
    else:
        data = encoded(half_red(), kind, **options, **({"comment": SECRET} if kind == "JPEG" else {}))
    data += SECRET
    assert SECRET in data[: -len(SECRET)] or kind == "PNG"
    picture = reencode(data)
    assert SECRET not in picture.data
    left = opened(picture)
    assert not dict(left.getexif())
    assert not {"icc_profile", "xmp", "comment", "Comment", "XML:com.adobe.xmp", "exif"} & set(left.info)


def test_a_picture_taken_sideways_is_put_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = reencode(encoded(half_red(), "JPEG", exif=exif.tobytes()))
    assert (picture.width, picture.height) == (20, 40)
    assert opened(picture).getpixel((10, 35))[1] > 200


def test_what_is_see_through_stays_so():
    picture = reencode(encoded(Image.new("RGBA", (4, 4), (255, 0, 0, 0)), "PNG"))
    assert opened(picture).getpixel((1, 1))[3] == 0
    assert opened(reencode(encoded(Image.new("L", (4, 4), 7), "PNG"))).mode == "RGB"


def test_a_moving_picture_still_moves_at_its_pace():
    first, *others = frames(10)
    picture = reencode(encoded(first, "GIF", save_all=True, append_images=others, duration=[40, 200] * 5))
    moving = opened(picture)
    assert moving.n_frames == 10
    durations = []
    for number in range(10):
        moving.seek(number)
        durations.append(moving.info["duration"])
    assert durations == [40, 200] * 5


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_of_other_moving_pictures_the_first_frame_stays(kind):
    first, *others = frames(5)
    picture = reencode(encoded(first, kind, save_all=True, append_images=others))
    assert getattr(opened(picture), "n_frames", 1) == 1
    assert picture.content_type == f"image/{kind.lower()}"


def test_of_a_moving_picture_with_too_many_frames_the_first_stays_without_reading_them_all():
    frame = b"\x21\xf9\x04\x00\x0a\x00\x00\x00\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    data = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff" + frame * 500_000 + b";"
    begin = time.process_time()
    picture = reencode(data)
    # Counting the frames first takes many times as long.
    assert time.process_time() - begin < 1
    assert (picture.content_type, picture.width) == ("image/png", 1)


def test_a_moving_picture_that_is_large_when_all_are_counted_is_one_frame():
    first, *others = frames(30, (1000, 1000))
    picture = reencode(encoded(first, "GIF", save_all=True, append_images=others))
    assert picture.content_type == "image/png"


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("size", [(100_000, 100_000), (30_000, 30_000), (10_000, 6_000), (60_000_000, 1)])
def test_a_picture_that_would_fill_the_memory_is_refused_at_once(size):
    begin = time.process_time()
    assert reencode(png_of_size(*size)) is None
    assert time.process_time() - begin < 0.5


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_whole_picture_of_too_many_pixels_is_refused():
    assert reencode(encoded(Image.new("1", (10_000, 6_000)), "PNG")) is None


def test_a_photo_that_is_painted_over_and_over_is_refused():
    photo = encoded(half_red((64, 64)), "JPEG", progressive=True)
    start = photo.rindex(b"\xff\xda")
    scan = photo[start:-2]
    assert reencode(photo[:-2] + scan * 20 + b"\xff\xd9") is not None
    assert reencode(photo[:-2] + scan * 200 + b"\xff\xd9") is None


@pytest.mark.parametrize(
    "data",
    [
        b"", b"x", b"<svg onload=alert(1)>", b"%PDF-1.4", b"GIF89a", b"\xff\xd8\xff", b"RIFF\0\0\0\0WEBPVP8 ", png_of_size(100, 100),
        encoded(half_red(), "PNG")[:-30], encoded(half_red((400, 400)), "JPEG")[:400], encoded(half_red(), "BMP"), encoded(half_red(), "TIFF"), encoded(half_red(), "ICO"),
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", json.dumps({"a": 1}).encode(), b"P6 9 9 255\n" + bytes(243),
    ],
)  # fmt: skip
def test_what_is_no_whole_picture_of_a_known_kind_is_refused(data):
    assert reencode(data) is None


def test_every_cut_of_a_picture_is_refused_or_read_without_a_fault():
    for kind in ("PNG", "JPEG", "GIF", "WEBP"):
        data = encoded(half_red(), kind)
        for length in range(0, len(data), 7):
            reencode(data[:length])
            reencode(data[:length] + b"\xff" * 20 + data[length + 20 :])
