"""The documentation, open to anybody: it tells what the public repository tells."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from approvals.display.manual import find_chapter, read_chapters, search_chapters


@require_safe
def show_docs(request: HttpRequest) -> HttpResponse:
    query = request.GET.get("q", "").replace("\x00", "").strip()
    context = {"chapters": read_chapters(), "query": query, "found": search_chapters(query)}
    return render(request, "approvals/docs.html", context)


@require_safe
def show_docs_chapter(request: HttpRequest, name: str) -> HttpResponse:
    chapter = find_chapter(name)
    if chapter is None:
        raise Http404
    context = {"chapters": read_chapters(), "chapter": chapter}
    return render(request, "approvals/docs_chapter.html", context)
