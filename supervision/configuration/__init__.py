"""The configuration of an application: one file, or environment variables, from which its services are made."""

from supervision.configuration.configuration import Configuration, configured_services, load_configuration

__all__ = ["Configuration", "configured_services", "load_configuration"]
