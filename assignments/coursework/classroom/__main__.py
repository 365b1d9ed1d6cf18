import sys

try:
    from coursework.classroom.cli import main
except KeyboardInterrupt:  # it takes seconds to import what grades
    sys.exit(130)

if __name__ == "__main__":
    sys.exit(main())
