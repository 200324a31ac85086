// The tablet's shell, kept while the line is down: never a card, a photo or an answer of the API.
importScripts('../shared/shell.js');
self.keepShell('yingbin-pad-shell');
