resolution = "240p"
fps = 16
seed = 42
batch_size = 1
