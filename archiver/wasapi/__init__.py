"""What harvesters of WARC files ask for, and what they are told: the WASAPI data transfer API."""
