# Written by dingmock run and found by PYTHONPATH. Connections to the names go to the fake: some libraries, aiohttp
# among them, know of no proxy.
import sys

settings = SETTINGS


def redirected(host, port):
    """The address to use in place of a host and a port."""
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if not isinstance(name, str) or name.lower().rstrip(".") not in settings["names"]:
        return host, port
    to = settings["plain" if port in (80, "80", b"80", "http", b"http") else "tls"]
    return to["host"], int(to["port"])


def redirect():
    import socket

    getaddrinfo, connect, connect_ex = socket.getaddrinfo, socket.socket.connect, socket.socket.connect_ex

    def to_name(host, port, *args, **kwargs):
        return getaddrinfo(*redirected(host, port), *args, **kwargs)

    def to_address(call):
        def wrapped(self, address):
            if isinstance(address, tuple) and len(address) >= 2:
                address = redirected(*address[:2]) + address[2:]
            return call(self, address)

        return wrapped

    socket.getaddrinfo = to_name
    socket.socket.connect, socket.socket.connect_ex = to_address(connect), to_address(connect_ex)


def trust(ssl):
    """Have what loads a list of authorities of its own, such as certifi's, trust the fake as well."""
    load = ssl.SSLContext.load_verify_locations

    def load_verify_locations(self, cafile=None, capath=None, cadata=None):
        load(self, cafile, capath, cadata)
        load(self, cadata=settings["authority"])

    ssl.SSLContext.load_verify_locations = load_verify_locations


class Trusting:
    """A loader that has ssl trust the fake. All else is the loader's own."""

    def __init__(self, loader):
        self.loader = loader

    def __getattr__(self, name):
        return getattr(self.loader, name)

    def create_module(self, spec):
        return self.loader.create_module(spec)

    def exec_module(self, module):
        self.loader.exec_module(module)
        trust(module)


class Finder:
    """Finds ssl as Python does by itself. It is not imported here: few programs need it, and it takes time."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name != "ssl":
            return None
        from importlib.machinery import PathFinder

        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and hasattr(spec.loader, "exec_module"):
            spec.loader = Trusting(spec.loader)
        return spec


def trusting():
    if "ssl" in sys.modules:
        trust(sys.modules["ssl"])
    else:
        sys.meta_path.insert(0, Finder)


def run_other():
    """Run the sitecustomize that this one stands before."""
    import importlib.machinery
    import importlib.util
    import os

    here = os.path.realpath(os.path.dirname(__file__))
    path = [entry for entry in sys.path if os.path.realpath(entry) != here]
    spec = importlib.machinery.PathFinder.find_spec(__name__, path)
    if spec is not None and spec.loader is not None:
        module = importlib.util.module_from_spec(spec)
        sys.modules[__name__] = module
        spec.loader.exec_module(module)


redirect()
trusting()
run_other()
