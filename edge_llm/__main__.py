"""`python -m edge_llm` is the same program as `edge-llm`."""

from edge_llm.cli.main import main

if __name__ == "__main__":
    main()
