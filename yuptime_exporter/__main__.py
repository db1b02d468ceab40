"""`python -m yuptime_exporter` is `yuptime-exporter`."""

import sys

from yuptime_exporter.cli import main

sys.exit(main())
