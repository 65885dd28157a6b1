from tests.vendor.cli import main

raise SystemExit(main())
