"""`python -m thunderagent.adapters.engines.simulated`."""

from thunderagent.adapters.engines.simulated.process import main

if __name__ == "__main__":
    main()
