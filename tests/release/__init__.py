"""What a release needs beside the wheel: hashes for the lock file, a bill of materials, licences."""
