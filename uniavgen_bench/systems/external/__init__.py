"""Systems of other projects, run in their own checkouts and environments.

A system is one declarative file: facts, options, and a function `prepare(batch) -> Launch` that writes its input files
into a job folder and returns an argument list and where each clip will be. `PLUGIN = external_plugin(External(…))`
makes it a plugin like any other; `latentsync.py` (one clip per process) and `ovi.py` (many) are patterns to follow.

    external.py    `External`: what is known of a system; `ExternalOptions`: how it is reached on this machine
    batch.py       `Item`, `Batch`, `Launch`: safe names, input files, copies of what a task gives, notes on each change
    checkout.py    root, commit, interpreter, the environment variables that are passed on purpose
    process.py     one process group with a log, ended when it stalls or when its driver is gone (supervisor.py)
    collect.py     a clip counts when its file has readable picture and sound, whatever the exit status says
    slots.py       several processes at once: shares of the devices, one queue, one who hears of clips
    attempts.py    batches, what is kept after a crash, retries in halves, reasons for what is missing
    plugin.py      `ExternalSystem`: all of it behind the protocol of a system
    doctor.py      is the checkout there, at the known commit, with its environment, weights and memory
    prompts.py     caption and spoken words in the form that a system expects
    template.py    placeholders in braces, checked before anything is run
    command.py     any program by a template, without Python
    cascades.py    F5-TTS (f5_tts.py), then each audio-driven system
    docs.py        docs/systems, written from these files

Tests run each system against a fake checkout (`tests/external/fakes/NAME`) that parses the real options and fails in
the real ways: a new adapter is its file, an entry point, a fake, a golden command line, and its page written again.

Clips are made before anything is scored, by one process or `at_once` (`runner/staged.py`). Of a job the run keeps
log, command line and text inputs under `jobs/SYSTEM/NUMBER/`; copies of media live in a scratch folder until it ends.
A clip is scored byte for byte as it was delivered; whatever was done to inputs is noted beside it.
"""
