"""`python -m yuptime_exporter.companion` is `yuptime`."""

import sys

from yuptime_exporter.companion.command_line import main

sys.exit(main())
