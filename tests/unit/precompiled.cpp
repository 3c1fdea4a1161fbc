// What all unit tests include is read once: this file only carries the precompiled header.
