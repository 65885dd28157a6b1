/* daemon.h - reeve run. */
#pragma once

/* Runs until a signal ends it. The exit status: 0 it was asked to stop, 1 it could not start or go on, and a log line says why. */
int daemon_main(const char *config_path);
