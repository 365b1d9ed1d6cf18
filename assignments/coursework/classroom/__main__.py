import sys

from coursework.classroom.cli import main

if __name__ == "__main__":
    sys.exit(main())
