import sys

from media_adapters.agent.main import main

sys.exit(main())
