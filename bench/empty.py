"""An empty page by Flask: what any page costs on this machine before it does anything."""

from flask import Flask

app = Flask(__name__)


@app.get("/")
def index() -> str:
    return "<!doctype html><title>Empty</title>"
