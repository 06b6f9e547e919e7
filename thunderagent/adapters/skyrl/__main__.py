"""``python -m thunderagent.adapters.skyrl KEY=VALUE ...``: SkyRL's command line, scheduled, also before Python 3.12."""

from thunderagent.adapters.skyrl import main

if __name__ == "__main__":
    main()
