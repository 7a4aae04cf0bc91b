from starlette.applications import Starlette


def create_site(widget_url: str) -> Starlette:
    return Starlette()
