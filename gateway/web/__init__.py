"""Pages for people: server-rendered, usable without JavaScript, with a keyboard and a screen reader."""
