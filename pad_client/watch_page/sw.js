// The shell of the watch page, kept while the line is down: never an alert.
importScripts('../shared/shell.js');
self.keepShell('yingbin-watch-shell');
