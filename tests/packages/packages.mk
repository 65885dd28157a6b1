# Rooms of their own, two builds and two linters: some minutes, so not in CI.
NEWER := 0.2.0

##@ Test

.PHONY: package-test
package-test: package ## the packages as a machine meets them: install, upgrade, downgrade, remove, purge; lintian and rpmlint
	@tests/beat deploy/release/release.py build/newer $(NEWER) $(EPOCH)
	@deploy/release/package.py build/newer build/newer/package $(NEWER) $(EPOCH)
	@tests/beat $(PYTHON) tests/packages/story.py build/try build/package build/newer/package
