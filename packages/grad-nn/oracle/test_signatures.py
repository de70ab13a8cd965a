"""Every public class and function of torch.nn beside ours by name and signature; what differs stands in tables here."""
