"""Builds the deployment package: what Azure gets, as a folder and as a zip. Development only.

wheels.py      the pinned packages for the machines of Azure, whatever machine this is
left_out.py    what of them is never imported (`infra/left-out.txt`), and what an import of it says
content.py     which files of the app are deployed (`.funcignore`)
compiling.py   bytecode beside every module: the package is mounted read-only and can keep none itself
sbom.py        the bill of materials beside it
build.py       all of it, once: a second call finds it done
figures.py     size, files and cold import, with and without what is left out
"""
