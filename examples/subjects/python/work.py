"""The work that these programs do with a record. In a trial it is a call of Plimsoll's sink, which
answers with the outcome; in your program it is whatever your program is for."""

import json
import os
import sys
import urllib.error
import urllib.request


class Failed(Exception):
    """It failed, and may succeed when it is tried again, unless it is `for_good`."""

    def __init__(self, reason, for_good=False):
        super().__init__(reason)
        self.for_good = for_good


def do(topic, partition, offset):
    body = {"topic": topic, "partition": partition, "offset": offset}
    request = urllib.request.Request(os.environ["PLIMSOLL_SINK_URL"], json.dumps(body).encode())
    try:
        urllib.request.urlopen(request, timeout=30).close()
    except OSError as error:
        print(f"{topic}-{partition}@{offset} failed: {error}", file=sys.stderr)
        is_answer = isinstance(error, urllib.error.HTTPError)
        raise Failed(str(error), for_good=is_answer and error.code == 422) from error
